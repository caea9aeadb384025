import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';

/** A database that starts beside us (compose, a rebooting host) is there within this. */
const WAIT_MS = 30_000;
const RETRY_MS = 250;
/** How often somebody who waits is told so. */
const TELL_MS = 5_000;
/** Half of it for the connection, half for the question. */
const TRY_MS = 5_000;

/** Codes of node and PostgreSQL that say "not now": nothing listens yet, it starts, it shuts down, it is full. */
const AWAY = new Set(['ECONNREFUSED', 'ECONNRESET', 'ETIMEDOUT', 'EHOSTUNREACH', 'EAI_AGAIN', 'ENOENT']);
const NOT_NOW = new Set(['57P01', '57P02', '57P03', '53300']);

/** What an operator can do about a refusal, by SQLSTATE. */
const REFUSALS: Readonly<Record<string, string>> = {
  '28P01': 'refused the user or the password of DATABASE_URL',
  '28000': 'refused the user of DATABASE_URL (pg_hba.conf, or the role does not exist)',
  '3D000': 'has no database of the name DATABASE_URL gives; create it first',
  '42501': 'does not let the user of DATABASE_URL create tables',
  '53100': 'has a full disk; make room there',
};

/** How to wait for a database that is away. */
export interface Waiting {
  /** 30 s unless set; Infinity waits until it is there. */
  readonly waitMs?: number | undefined;
  /** Told at once and every 5 s what is waited for. */
  readonly tell?: ((sentence: string) => void) | undefined;
  /** Ends the waiting. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Connects, waiting for a database that is away.
 *
 * @throws Error with a sentence that names host, port and database and never the password.
 */
export async function connectWithin(url: string, { waitMs = WAIT_MS, tell, signal }: Waiting = {}): Promise<pg.Client> {
  const startedAt = Date.now();
  let toldAt = Number.NEGATIVE_INFINITY;
  for (;;) {
    const client = new pg.Client({
      connectionString: url,
      application_name: 'ringledger',
      connectionTimeoutMillis: 10_000,
    });
    // A connection that breaks fails the query under way, which is where it is answered for.
    client.on('error', () => undefined);
    try {
      await client.connect();
      return client;
    } catch (error) {
      await client.end().catch(() => undefined);
      const now = Date.now();
      if (!isAway(error) || now >= startedAt + waitMs || signal?.aborted === true)
        throw new Error(databaseFault(error, url, now - startedAt), { cause: error });
      if (now - toldAt >= TELL_MS) {
        tell?.(`Waiting for the database ${targetOf(url)} (${codeOf(error) || 'no answer'}).`);
        toldAt = now;
      }
    }
    await sleep(RETRY_MS);
  }
}

/**
 * Whether a database answers now: null, or what is wrong in a sentence. Nothing is created or changed, and nothing waits for
 * longer than ten seconds.
 */
export async function databaseTrouble(url: string): Promise<string | null> {
  const client = new pg.Client({
    ...{ connectionString: url, application_name: 'ringledger doctor' },
    ...{ connectionTimeoutMillis: TRY_MS, query_timeout: TRY_MS },
  });
  client.on('error', () => undefined);
  try {
    await client.connect();
    await client.query('select 1');
    return null;
  } catch (error) {
    const isMute = /read timeout/.test(String(error));
    return isMute ? `The database ${targetOf(url)} takes connections and answers no query.` : databaseFault(error, url);
  } finally {
    void client.end().catch(() => undefined);
  }
}

/** Whether an error means that the database cannot be reached now, and may be later. */
export function isAway(error: unknown): boolean {
  const code = codeOf(error);
  return AWAY.has(code) || NOT_NOW.has(code) || /timeout expired|terminated unexpectedly/.test(String(error));
}

/** A plain sentence for a failed connection. */
export function databaseFault(error: unknown, url: string, waitedMs = 0): string {
  const target = `The database ${targetOf(url)}`;
  const refusal = REFUSALS[codeOf(error)];
  if (refusal !== undefined) return `${target} ${refusal}.`;
  const waited = waitedMs >= 1000 ? ` within ${String(Math.round(waitedMs / 1000))} s` : '';
  if (isAway(error)) {
    return `${target} did not answer${waited} (${codeOf(error) || 'no answer'}). Check that it runs and that DATABASE_URL is right, then start again.`;
  }
  return `${target} could not be used (${codeOf(error) || 'unknown reason'}).`;
}

/** `host:port/database` of a connection string: what may be shown of it. */
function targetOf(url: string): string {
  if (!URL.canParse(url)) return 'of DATABASE_URL';
  const { hostname, port, pathname, searchParams } = new URL(url);
  return `${searchParams.get('host') ?? hostname}:${port || '5432'}${pathname}`;
}

/** The code of an error; node wraps the errors of several addresses of one name in one without a code. */
function codeOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return codeOf(error.errors[0]);
  return typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : '';
}
