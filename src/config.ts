import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parse } from 'dotenv';
import { CONFIG_KEYS, type ConfigKey, type ConfigValues } from './config.keys.js';

/** What the program was told, in the units it works in; made once at start and passed on. Spans are ms unless named otherwise. */
export interface Config {
  /** UDP port the IVRs report to. */
  readonly reportPort: number;
  /** Tries after the first, and the time between two, as set on the IVR. */
  readonly retry: number;
  readonly intervalMs: number;
  readonly marginMs: number;
  /** Addresses to bind, one socket each. */
  readonly udpHosts: readonly string[];
  /** The list as written, for the transport to read; null means loopback only. */
  readonly udpAllowedSources: string | null;
  readonly udpDatagramBytesMax: number;
  readonly udpReceiveBufferBytes: number;
  /** Where the HTTP posts of a switch are taken; null: nowhere. */
  readonly twinPort: number | null;
  readonly twinHost: string;
  /** Last part of the path. */
  readonly twinPath: string;
  /** As `udpAllowedSources`. */
  readonly twinAllowedSources: string | null;
  readonly twinBodyBytesMax: number;
  readonly httpHost: string;
  readonly httpPort: number;
  /** Where a first key is read from, or written to. */
  readonly initialAdminKeyFile: string | null;
  /** Addresses and CIDRs of proxies, or how many there are. */
  readonly trustProxy: readonly string[] | number | null;
  readonly corsOrigins: readonly string[];
  /** 0: unlimited. */
  readonly requestsPerS: number;
  /** Whether GraphQL tells its schema, and whether the page /graphiql is served. */
  readonly graphqlIntrospection: boolean;
  readonly graphiql: boolean;
  /** Null: run the embedded PostgreSQL under `dataDir`. */
  readonly databaseUrl: string | null;
  readonly databaseConnectionsMax: number;
  /** Absolute. */
  readonly dataDir: string;
  /** Absolute. */
  readonly spoolDir: string;
  readonly spoolBytesMax: number;
  readonly spoolFreeBytesMin: number;
  readonly spoolAfterMs: number;
  readonly staleRingingMs: number;
  readonly staleAnsweredMs: number;
  readonly retentionDays: number;
  readonly lossWindowMs: number;
  readonly heartbeatIntervalMs: number;
  readonly ingestQueueMax: number;
  readonly ingestBatchMax: number;
  readonly quarantineMax: number;
  readonly logLevel: ConfigValues['LOG_LEVEL'];
  readonly logFormat: ConfigValues['LOG_FORMAT'];
}

/** The token under which Nest hands out the `Config`. */
export const CONFIG = Symbol('CONFIG');

/** Every fault of a configuration, in words and without any value, since a value may be a secret. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';

  constructor(readonly faults: readonly string[]) {
    super(`The configuration is wrong; nothing was started.\n${faults.map((fault) => `  - ${fault}`).join('\n')}`);
  }
}

/**
 * Reads the configuration from the environment and, for what is not set there, from `.env` in `folder`.
 *
 * @throws ConfigError that lists every fault at once.
 */
export function loadConfig(env: NodeJS.ProcessEnv = process.env, folder: string = process.cwd()): Config {
  const file = join(folder, '.env');
  const written = existsSync(file) ? parse(readFileSync(file)) : {};
  return parseConfig({ ...written, ...env }, folder);
}

/** The same from given variables alone. An empty variable counts as not set. */
export function parseConfig(env: Readonly<Record<string, string | undefined>>, folder: string = process.cwd()): Config {
  const faults: string[] = [];
  const values: Partial<Record<ConfigKey, unknown>> = {};
  for (const [name, key] of Object.entries(CONFIG_KEYS)) {
    const text = env[name]?.trim() ?? '';
    const read = key.schema.safeParse(text === '' ? key.standard : text);
    if (read.success) values[name as ConfigKey] = read.data;
    else faults.push(...read.error.issues.map((issue) => `${name} ${issue.message}.`));
  }
  // Checks across fields run on those that could be read, so that one pass names everything there is to mend.
  faults.push(...crossFaults(values as Partial<ConfigValues>));
  if (faults.length > 0) throw new ConfigError(faults);
  return toConfig(values as ConfigValues, folder);
}

function crossFaults(values: Partial<ConfigValues>): string[] {
  const faults: string[] = [];
  const { INGEST_BATCH_MAX, INGEST_QUEUE_MAX, RETENTION_DAYS, STALE_ANSWERED_S } = values;
  if (INGEST_BATCH_MAX !== undefined && INGEST_QUEUE_MAX !== undefined && INGEST_BATCH_MAX > INGEST_QUEUE_MAX) {
    faults.push('INGEST_BATCH_MAX must not be above INGEST_QUEUE_MAX: a batch is taken from the queue.');
  }
  if (RETENTION_DAYS !== undefined && STALE_ANSWERED_S !== undefined && RETENTION_DAYS * 86_400 <= STALE_ANSWERED_S) {
    faults.push(
      'RETENTION_DAYS must be longer than STALE_ANSWERED_S, or notifications of open calls would be dropped.',
    );
  }
  return [...faults, ...horizonFaults(values)];
}

/** What must be longer than the time a retry may take (H, docs/truth.md), and what must be shorter. */
function horizonFaults(values: Partial<ConfigValues>): string[] {
  const { IVR_CALL_REPORT_RETRY: retry, IVR_CALL_REPORT_RETRY_INTERVAL: intervalS, RETRY_MARGIN_MS: marginMs } = values;
  if (retry === undefined || intervalS === undefined || marginMs === undefined) return [];
  const horizonMs = retry * intervalS * 1000 + marginMs;
  const horizon = 'the retry horizon (IVR_CALL_REPORT_RETRY x IVR_CALL_REPORT_RETRY_INTERVAL + RETRY_MARGIN_MS)';
  const faults: string[] = [];
  for (const name of ['STALE_RINGING_S', 'STALE_ANSWERED_S'] as const) {
    const limitS = values[name];
    if (limitS !== undefined && limitS * 1000 <= horizonMs) {
      faults.push(
        `${name} must be longer than ${horizon}, or calls whose Bye is still being retried would be presumed ended.`,
      );
    }
  }
  const { HEARTBEAT_INTERVAL_MS: heartbeatMs } = values;
  if (heartbeatMs !== undefined && heartbeatMs >= horizonMs) {
    faults.push(
      `HEARTBEAT_INTERVAL_MS must be shorter than ${horizon}, or an outage could pass between two heartbeats.`,
    );
  }
  return faults;
}

/**
 * What works and is hardly meant, in sentences without any value. No fault: an IVR that repeats itself every half second is served
 * well by the standard SPOOL_AFTER_MS of 1 s, but for acks that wait while PostgreSQL stands still.
 */
export function doubtsOf({ spoolAfterMs, retry, intervalMs }: Config): readonly string[] {
  if (retry === 0 || spoolAfterMs < intervalMs) return [];
  return [
    'SPOOL_AFTER_MS is not below IVR_CALL_REPORT_RETRY_INTERVAL: when PostgreSQL stands still, an IVR sends again before the spool takes over and its ack leaves.',
  ];
}

function toConfig(values: ConfigValues, folder: string): Config {
  return {
    reportPort: values.IVR_CALL_REPORT_PORT,
    retry: values.IVR_CALL_REPORT_RETRY,
    intervalMs: Math.round(values.IVR_CALL_REPORT_RETRY_INTERVAL * 1000),
    marginMs: values.RETRY_MARGIN_MS,
    udpHosts: values.UDP_HOST,
    udpAllowedSources: values.UDP_ALLOWED_SOURCES,
    udpDatagramBytesMax: values.UDP_MAX_DATAGRAM_BYTES,
    udpReceiveBufferBytes: values.UDP_RECEIVE_BUFFER_BYTES,
    twinPort: values.TWIN_PORT,
    twinHost: values.TWIN_HOST,
    twinPath: values.TWIN_PATH,
    twinAllowedSources: values.TWIN_ALLOWED_SOURCES,
    twinBodyBytesMax: values.TWIN_MAX_BODY_BYTES,
    httpHost: values.HTTP_HOST,
    httpPort: values.HTTP_PORT,
    initialAdminKeyFile: values.INITIAL_ADMIN_KEY_FILE === null ? null : resolve(folder, values.INITIAL_ADMIN_KEY_FILE),
    trustProxy: values.TRUST_PROXY,
    corsOrigins: values.CORS_ORIGINS,
    requestsPerS: values.RATE_LIMIT_PER_S,
    graphqlIntrospection: values.GRAPHQL_INTROSPECTION,
    graphiql: values.GRAPHIQL,
    databaseUrl: values.DATABASE_URL,
    databaseConnectionsMax: values.DATABASE_CONNECTIONS_MAX,
    dataDir: resolve(folder, values.DATA_DIR),
    spoolDir: resolve(folder, values.SPOOL_DIR === '' ? join(values.DATA_DIR, 'spool') : values.SPOOL_DIR),
    spoolBytesMax: values.SPOOL_MAX_BYTES,
    spoolFreeBytesMin: values.SPOOL_MIN_FREE_BYTES,
    spoolAfterMs: values.SPOOL_AFTER_MS,
    staleRingingMs: values.STALE_RINGING_S * 1000,
    staleAnsweredMs: values.STALE_ANSWERED_S * 1000,
    retentionDays: values.RETENTION_DAYS,
    lossWindowMs: values.LOSS_WINDOW_S * 1000,
    heartbeatIntervalMs: values.HEARTBEAT_INTERVAL_MS,
    ingestQueueMax: values.INGEST_QUEUE_MAX,
    ingestBatchMax: values.INGEST_BATCH_MAX,
    quarantineMax: values.QUARANTINE_MAX,
    logLevel: values.LOG_LEVEL,
    logFormat: values.LOG_FORMAT,
  };
}
