import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { clientHeaders } from '../config.client.js';
import type { CallState } from '../notification.js';
import {
  callTimeline,
  ledgerCall,
  ledgerGap,
  ledgerSource,
  type ListedCall,
  type LedgerCall,
  type LedgerGap,
  pageOf,
  type Reading,
  receiverSettings,
  type ReceiverSettings,
} from './judge/reading.js';

/** The ledger could not be asked, or answered something that is not its contract. The message says what to do. */
export class LedgerUnreadable extends Error {}

const PAGE = 500;
const TIMEOUT_MS = 30_000;
/** Timelines are one request each; eight at a time keep one server core busy. */
const TIMELINES_AT_ONCE = 8;
/** A receiver that is restarting is waited for so long. */
const PATIENCE_MS = 60_000;

const callPage = pageOf(ledgerCall);
const gapPage = pageOf(ledgerGap);
const anyPage = pageOf(z.unknown());
const sourcePage = pageOf(ledgerSource);

/** Parameters; one with several values is repeated. */
type Query = Readonly<Record<string, string | readonly string[]>>;

/** What a run waits for: its sources (none known: all of them), from an instant on, ms since the epoch. */
export interface Asked {
  readonly sources: readonly string[];
  readonly from: number;
}

/** Reads the public REST contract of a running ledger. */
export class Ledger {
  /** @param api such as `http://127.0.0.1:3000` */
  constructor(private readonly api: string) {}

  settings(): Promise<ReceiverSettings> {
    return this.get('settings', {}, receiverSettings);
  }

  /** The keys of the sources that these addresses are known as; no waiting for what a real IVR reports meanwhile. */
  async keysOf(addresses: readonly string[]): Promise<readonly string[]> {
    const { rows } = await this.list('sources', {}, sourcePage);
    return rows.filter((source) => source.addresses.some((one) => addresses.includes(one))).map(({ key }) => key);
  }

  /** Whether any call first seen in what is asked about is unsettled; with a state, only calls in it. */
  async unsettled({ sources, from }: Asked, state?: CallState): Promise<boolean> {
    const query = {
      source: sources,
      from: iso(from),
      settled: 'false',
      limit: '1',
      ...(state === undefined ? {} : { state }),
    };
    return (await this.getPatiently('calls', query, anyPage)).data.length > 0;
  }

  /** Whether a gap in what is asked about has not closed though its deadline has passed. */
  async gapsOverdue({ sources, from }: Asked): Promise<boolean> {
    const { rows, asOf } = await this.list('gaps', { source: sources, from: iso(from), status: 'open' }, gapPage);
    return rows.some(({ deadlineAt }) => deadlineAt !== null && deadlineAt < asOf);
  }

  /**
   * Everything about the calls whose Call ID begins with `prefix`, first seen since `from`, and all gaps declared since.
   * @param progress told how many timelines of how many are read
   */
  async read(from: number, prefix: string, progress: (done: number, total: number) => void): Promise<Reading> {
    const query = { from: iso(from), sort: 'firstSeenAt' };
    const { rows: listed, asOf } = await this.list<ListedCall>('calls', query, callPage);
    const { rows: gaps } = await this.list<LedgerGap>('gaps', { from: iso(from) }, gapPage);
    const own = listed.filter(({ callId }) => callId.startsWith(prefix));
    const calls: LedgerCall[] = [];
    const queue = own.values();
    const readSome = async (): Promise<void> => {
      for (const call of queue) {
        calls.push({ ...call, ...(await this.getPatiently(`calls/${call.id}`, {}, callTimeline)) });
        progress(calls.length, own.length);
      }
    };
    await Promise.all(Array.from({ length: TIMELINES_AT_ONCE }, readSome));
    return { asOf, calls, gaps };
  }

  private async list<T>(
    path: string,
    query: Query,
    schema: z.ZodType<{ data: T[]; page: { nextCursor: string | null }; asOf: number }>,
  ): Promise<{ rows: T[]; asOf: number }> {
    const rows: T[] = [];
    let [asOf, cursor]: [number | null, string | null] = [null, null];
    do {
      const more: Readonly<Record<string, string>> = cursor === null ? {} : { cursor };
      const page = await this.getPatiently(path, { ...query, ...more, limit: String(PAGE) }, schema);
      rows.push(...page.data);
      asOf ??= page.asOf;
      cursor = page.page.nextCursor;
    } while (cursor !== null);
    return { rows, asOf };
  }

  /** A ledger that is restarting is no reason to throw a run away. */
  private async getPatiently<T>(path: string, query: Query, schema: z.ZodType<T>): Promise<T> {
    const until = Date.now() + PATIENCE_MS;
    for (;;) {
      try {
        return await this.get(path, query, schema);
      } catch (error) {
        if (!(error instanceof LedgerAway) || Date.now() > until) throw error;
        await sleep(500);
      }
    }
  }

  private async get<T>(path: string, query: Query, schema: z.ZodType<T>): Promise<T> {
    const url = new URL(`/api/v1/${path}`, this.api);
    for (const [name, values] of Object.entries(query)) {
      for (const value of [values].flat()) url.searchParams.append(name, value);
    }
    const { status, body } = await ask(url);
    // 429: more was asked than the server allows a key; that passes as well.
    if (status >= 500 || status === 429)
      throw new LedgerAway(`${url.pathname} answers ${String(status)}: ${body.slice(0, 200)}`);
    if (status !== 200) throw new LedgerUnreadable(`${url.href} answers ${String(status)}: ${body.slice(0, 500)}`);
    const read = schema.safeParse(json(body));
    if (read.success) return read.data;
    const [issue] = read.error.issues;
    throw new LedgerUnreadable(`${url.pathname} answers something else than the contract: ${issuePath(issue)}`);
  }
}

/** Not there, or not able to answer just now. */
class LedgerAway extends LedgerUnreadable {}

async function ask(url: URL): Promise<{ status: number; body: string }> {
  try {
    const response = await fetch(url, { headers: clientHeaders(), signal: AbortSignal.timeout(TIMEOUT_MS) });
    return { status: response.status, body: await response.text() };
  } catch (error) {
    const cause = error instanceof Error ? (error.cause instanceof Error ? error.cause.message : error.message) : '';
    throw new LedgerAway(
      `Nobody answers at ${url.origin} (${cause}). Start Ringledger there, or name its address with --api.`,
    );
  }
}

function json(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}

function issuePath(issue: { readonly path: readonly PropertyKey[]; readonly message: string } | undefined): string {
  return issue === undefined ? 'unreadable' : `${issue.path.map(String).join('.')}: ${issue.message}`;
}

function iso(at: number): string {
  return new Date(at).toISOString();
}
