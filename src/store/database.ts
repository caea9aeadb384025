import { PrismaPg } from '@prisma/adapter-pg';
import pg from 'pg';
import { PrismaClient } from '../generated/prisma/client.js';
import { statementName } from './statement-name.js';

/** How to reach the database, and how many connections this process may hold. */
export interface DatabaseOptions {
  readonly url: string;
  readonly connectionsMax: number;
  /** Writes that can be made again: PostgreSQL may commit before its log is on the disk, and statements may take ten minutes. */
  readonly bulk?: true;
}

/** What a statement may take, ms: the slowest of ours takes seconds. One whose connection was given up ends in PostgreSQL 5 s later. */
const PATIENCE_MS = { usual: 30_000, bulk: 600_000 } as const;
const GIVEN_UP_MS = 5_000;

/** A pool at one instant, in connections; `waiting` are queries that found none free. */
export interface PoolState {
  readonly open: number;
  readonly idle: number;
  readonly waiting: number;
  readonly limit: number;
}

/**
 * Where to connect to, with sessions in UTC and the `settings` given (`name=value`). The adapter drops the offset of instants
 * it reads and sends: a session elsewhere would shift them by it. What `options` of the URL ask stands before ours, and so
 * gives way: node-postgres takes those of the URL instead of ours, and on a server of Europe/Berlin every instant was an hour off.
 */
export function sessionIn(
  url: string,
  settings: readonly string[] = [],
): { readonly connectionString: string; readonly options: string } {
  const options = ['timezone=UTC', ...settings].map((setting) => `-c ${setting}`).join(' ');
  if (!URL.canParse(url)) return { connectionString: url, options };
  const bare = new URL(url);
  const asked = bare.searchParams.getAll('options').at(-1);
  if (asked === undefined) return { connectionString: url, options };
  bare.searchParams.delete('options');
  return { connectionString: bare.href, options: `${asked} ${options}` };
}

/**
 * A pool of connections. The process has two, one for what receives and one for readers (main.ts). It has no life-cycle hooks
 * of its own: what is still being flushed needs it until the very end, so whoever starts the program calls `disconnect` after
 * everything else.
 */
export class Database {
  readonly client: PrismaClient;
  private readonly connections: pg.Pool;

  constructor(private readonly options: DatabaseOptions) {
    const patienceMs = PATIENCE_MS[options.bulk === true ? 'bulk' : 'usual'];
    const settings = [
      `statement_timeout=${String(patienceMs + GIVEN_UP_MS)}`,
      ...(options.bulk === true ? ['synchronous_commit=off'] : []),
    ];
    this.connections = new pg.Pool({
      ...sessionIn(options.url, settings),
      max: options.connectionsMax,
      application_name: 'ringledger',
      // A pool that is empty because the database is away says so instead of waiting for ever.
      connectionTimeoutMillis: 10_000,
      keepAlive: true,
      // A host that vanished answers no more and closes nothing: without this its queries would hold their connections for
      // a quarter of an hour.
      query_timeout: patienceMs,
    });
    // An idle connection that breaks is replaced by the pool at the next query, which is where the fault is answered for.
    const adapter = new PrismaPg(this.connections, {
      disposeExternalPool: true,
      onPoolError: () => undefined,
      onConnectionError: () => undefined,
      statementNameGenerator: ({ sql }) => statementName(sql),
    });
    // Prisma's own 2 s for a connection refuse a batch on a busy machine that 18 s of retries would have carried.
    this.client = new PrismaClient({ adapter, transactionOptions: { maxWait: 10_000, timeout: 15_000 } });
  }

  /** Where it connects to, for connections that belong in no pool: a cursor keeps its own for as long as somebody reads. */
  get url(): string {
    return this.options.url;
  }

  /** Opens the pool and proves it with a query, so that a wrong address shows at start and not at the first datagram. */
  async connect(): Promise<void> {
    await this.client.$connect();
    await this.client.$queryRaw`select 1`;
  }

  /** How the pool is used now. */
  pool(): PoolState {
    const { totalCount, idleCount, waitingCount } = this.connections;
    return { open: totalCount, idle: idleCount, waiting: waitingCount, limit: this.options.connectionsMax };
  }

  /** Closes every connection once their queries are done. */
  async disconnect(): Promise<void> {
    await this.client.$disconnect();
  }
}
