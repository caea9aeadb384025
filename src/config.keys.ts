import { BlockList, isIP } from 'node:net';
import { z } from 'zod';

/** One variable: how it is read, what counts when it is not set, and what `.env.example` says of it. */
interface Key<T> {
  readonly schema: z.ZodType<T>;
  /** In the spelling of the environment; '' means nothing. */
  readonly standard: string;
  readonly comment: string;
}

const key = <T>(schema: z.ZodType<T>, standard: string, comment: string): Key<T> => ({ schema, standard, comment });

/** A decimal number of the range, without sign or exponent. Messages never repeat the value. */
function numeric(min: number, max: number, pattern = /^\d+$/): z.ZodType<number> {
  const kind = pattern.test('1.5') ? 'a number' : 'a whole number';
  const message = `must be ${kind} from ${String(min)} to ${String(max)}`;
  const inRange = (text: string): boolean => pattern.test(text) && Number(text) >= min && Number(text) <= max;
  return z.string().refine(inRange, message).transform(Number);
}

const optionalPort = z
  .string()
  .refine(
    (text) => text === '' || (/^\d+$/.test(text) && Number(text) <= 65_535),
    'must be a whole number from 0 to 65535',
  )
  .transform((text) => (text === '' ? null : Number(text)));

const fraction = (min: number, max: number): z.ZodType<number> => numeric(min, max, /^\d+(\.\d+)?$/);

function oneOf<const T extends string>(...values: T[]): z.ZodType<T> {
  return z.enum(values, `must be one of ${values.join(', ')}`);
}

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4');
LOOPBACK.addAddress('::1', 'ipv6');

/** Whether a host can only be reached from this machine. */
export function isLoopback(host: string): boolean {
  if (host === 'localhost') return true;
  const family = isIP(host);
  return family !== 0 && LOOPBACK.check(host, family === 4 ? 'ipv4' : 'ipv6');
}

const host = z
  .string()
  .refine((text) => text === 'localhost' || isIP(text) !== 0, 'must be an IP address or localhost');

const hosts = z
  .string()
  .transform((text) => text.split(',').map((part) => part.trim()))
  .refine((parts) => parts.every((part) => isIP(part) !== 0), 'must be IPv4 or IPv6 addresses with commas between them')
  .refine((parts) => new Set(parts).size === parts.length, 'names an address twice');

/** `address`, `address/bits` or `name=...` of either. */
function isSource(entry: string): boolean {
  const [, , address = '', bits] = /^(?:([^=,\s]+)=)?([^/=\s]+)(?:\/(\d{1,3}))?$/.exec(entry) ?? [];
  const family = isIP(address);
  return family !== 0 && (bits === undefined || Number(bits) <= (family === 4 ? 32 : 128));
}

const sources = z
  .string()
  .refine(
    (text) => text === '' || text.split(',').every((entry) => isSource(entry.trim())),
    'must be addresses, CIDRs or name=CIDR with commas between them',
  )
  .transform((text) => (text === '' ? null : text));

function isPostgresUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, pathname } = new URL(text);
  return ['postgres:', 'postgresql:'].includes(protocol) && pathname.length > 1;
}

const databaseUrl = z
  .string()
  .refine(
    (text) => text === '' || isPostgresUrl(text),
    'must look like postgresql://user:password@host:5432/database, with special characters of the password percent-encoded',
  )
  .transform((text) => (text === '' ? null : text));

const DAY_S = 86_400;

const proxies = z
  .string()
  .refine(
    (text) =>
      /^(?:[1-9]|10)?$/.test(text) || text.split(',').every((entry) => isSource(entry.trim()) && !entry.includes('=')),
    'must be addresses or CIDRs with commas between them, or how many proxies there are (1 to 10)',
  )
  .transform((text) => {
    if (text === '') return null;
    return /^\d+$/.test(text) ? Number(text) : text.split(',').map((entry) => entry.trim());
  });

const origins = z
  .string()
  .transform((text) => (text === '' ? [] : text.split(',').map((part) => part.trim())))
  .refine(
    (parts) => parts.every((part) => URL.canParse(part) && new URL(part).origin === part),
    'must be origins such as https://console.example.com, without a path, with commas between them',
  );

const onOff = oneOf('on', 'off').transform((text) => text === 'on');

const optionalText = z.string().transform((text) => (text === '' ? null : text));

/** Who may ask over HTTP. */
const ACCESS_KEYS = {
  INITIAL_ADMIN_KEY_FILE: key(
    optionalText,
    '',
    'File with a first key, made with the scope admin at a start that finds none; where there is no such file it is written.',
  ),
  TRUST_PROXY: key(
    proxies,
    '',
    'Proxies in front of REST and GraphQL whose X-Forwarded-For counts: addresses, CIDRs, or how many. Not set: none.',
  ),
  CORS_ORIGINS: key(origins, '', 'Web origins whose pages may ask, with commas between them. Not set: none.'),
  RATE_LIMIT_PER_S: key(
    numeric(0, 100_000),
    '100',
    'Requests a second of one key, and of one address, once a key is made; ten times as many at once after a rest. 0: no limit.',
  ),
  GRAPHQL_INTROSPECTION: key(onOff, 'on', 'Whether GraphQL tells its schema, also to who shows no key: on or off.'),
  GRAPHIQL: key(
    onOff,
    'on',
    'Whether the page /graphiql, to write queries on, is served; without GRAPHQL_INTROSPECTION it knows no fields.',
  ),
  RINGLEDGER_KEY: key(
    optionalText,
    '',
    'Key that the commands show which ask a running server (inspect, calibrate, doctor, export, simulate).',
  ),
} as const;

/** Every variable the program reads, in the order of `.env.example`. */
export const CONFIG_KEYS = {
  IVR_CALL_REPORT_PORT: key(
    numeric(0, 65_535),
    '8000',
    'UDP port the IVRs report to, as set on the IVR (0: any free one).',
  ),
  IVR_CALL_REPORT_RETRY: key(numeric(0, 100), '6', 'Tries of the IVR after the first, as set on the IVR.'),
  IVR_CALL_REPORT_RETRY_INTERVAL: key(
    fraction(0.001, 3600),
    '3',
    'Seconds between two tries, as set on the IVR; fractions allowed.',
  ),
  RETRY_MARGIN_MS: key(
    numeric(0, 60_000),
    '1000',
    'How much later than planned a last try may arrive: path delay and timers.',
  ),
  UDP_HOST: key(
    hosts,
    '0.0.0.0',
    'Addresses to receive on, with commas between them; name each one on a host with several.',
  ),
  UDP_ALLOWED_SOURCES: key(
    sources,
    '',
    'Who may report: addresses, CIDRs, name=CIDR, with commas between them. Not set: this machine only.',
  ),
  UDP_MAX_DATAGRAM_BYTES: key(numeric(64, 65_507), '8192', 'Longer datagrams are quarantined, not acknowledged.'),
  UDP_RECEIVE_BUFFER_BYTES: key(
    numeric(4_096, 1_073_741_824),
    '8388608',
    'Receive buffer asked of the kernel, which may grant less (net.core.rmem_max); the start says what it granted.',
  ),
  TWIN_PORT: key(
    optionalPort,
    '',
    'TCP port for the HTTP posts of a switch (OUT_POST_URL, .../CallStateReport); 0: any free one. Not set: none.',
  ),
  TWIN_HOST: key(host, '127.0.0.1', 'Address to take HTTP posts on. They carry no password: keep other networks out.'),
  TWIN_PATH: key(
    z.string().regex(/^[\w.~-]+$/, 'must be letters, digits, ".", "_", "~" or "-" without a slash'),
    'CallStateReport',
    'Last part of the path that is posted to; what stands before it does not matter.',
  ),
  TWIN_ALLOWED_SOURCES: key(
    sources,
    '',
    'Who may post: addresses, CIDRs, name=CIDR, with commas between them. Not set: this machine only.',
  ),
  TWIN_MAX_BODY_BYTES: key(numeric(64, 1_048_576), '8192', 'Longer posts are quarantined, not acknowledged.'),
  HTTP_HOST: key(
    host,
    '127.0.0.1',
    'Address of REST and GraphQL. On any but loopback nothing starts until a key is made (ringledger keys create).',
  ),
  HTTP_PORT: key(numeric(0, 65_535), '3000', 'Port of REST and GraphQL (0: any free one).'),
  ...ACCESS_KEYS,
  DATABASE_URL: key(databaseUrl, '', 'PostgreSQL to use. Not set: one of our own, under DATA_DIR.'),
  DATABASE_CONNECTIONS_MAX: key(numeric(2, 500), '10', 'Connections of one process to PostgreSQL.'),
  DATA_DIR: key(z.string(), './data', 'Folder of the embedded PostgreSQL and of the spool.'),
  SPOOL_DIR: key(
    z.string(),
    '',
    'Folder of the spool, which takes notifications while PostgreSQL does not. Not set: DATA_DIR/spool.',
  ),
  SPOOL_MAX_BYTES: key(
    numeric(1_048_576, 1_099_511_627_776),
    '1073741824',
    'Bytes the spool may hold, about 500 each notification; more are refused, so that the IVR retries.',
  ),
  SPOOL_MIN_FREE_BYTES: key(numeric(0, 1_099_511_627_776), '268435456', 'Bytes of its disk the spool leaves free.'),
  SPOOL_AFTER_MS: key(
    numeric(50, 60_000),
    '1000',
    'How long PostgreSQL may take for a commit before the spool takes over; keep it below the retry interval.',
  ),
  STALE_RINGING_S: key(numeric(1, 365 * DAY_S), '300', 'Seconds after which a call that only rang is presumed ended.'),
  STALE_ANSWERED_S: key(
    numeric(1, 365 * DAY_S),
    '14400',
    'Seconds after which an answered call without a Bye is presumed ended.',
  ),
  RETENTION_DAYS: key(
    numeric(1, 36_500),
    '400',
    'Days the raw notifications, the changes feed and the audit trail are kept.',
  ),
  LOSS_WINDOW_S: key(numeric(1, DAY_S), '300', 'Seconds over which loss on the way is estimated.'),
  HEARTBEAT_INTERVAL_MS: key(
    numeric(50, 60_000),
    '1000',
    'How often a receiver writes that it is there; an outage is known to twice this.',
  ),
  INGEST_QUEUE_MAX: key(
    numeric(1, 10_000_000),
    '20000',
    'Notifications that may wait for the database; more are refused, so that the IVR retries.',
  ),
  INGEST_BATCH_MAX: key(numeric(1, 100_000), '1000', 'Notifications committed in one transaction at most.'),
  QUARANTINE_MAX: key(
    numeric(1, 100_000_000),
    '100000',
    'Unreadable datagrams kept; the oldest are dropped and counted.',
  ),
  LOG_LEVEL: key(oneOf('trace', 'debug', 'info', 'warn', 'error', 'fatal'), 'info', 'Least level that is logged.'),
  LOG_FORMAT: key(oneOf('pretty', 'json'), 'pretty', 'pretty for people, json for log collectors.'),
} as const;

/** The name of a variable. */
export type ConfigKey = keyof typeof CONFIG_KEYS;

/** The variables as read, before they are turned into units. */
export type ConfigValues = { readonly [K in ConfigKey]: z.output<(typeof CONFIG_KEYS)[K]['schema']> };

/** The text of `.env.example`: every variable with its comment and what counts when it is not set. */
export function renderEnvExample(): string {
  const entries = Object.entries(CONFIG_KEYS).map(
    ([name, { standard, comment }]) => `# ${comment}\n${name}=${standard}\n`,
  );
  return `# Copy to .env and change what differs; these values count when nothing is set. The environment wins over .env.\n\n${entries.join('\n')}`;
}
