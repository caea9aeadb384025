/**
 * Follows Ringledger's changes feed and charges settled calls by prefix: an example to start from, for Node 20 alone.
 *
 *   node examples/rating.mjs --url http://127.0.0.1:3000 --journal charges.jsonl --tariff examples/tariff.json [--once]
 *   node examples/rating.mjs --journal charges.jsonl --sum
 *
 * RINGLEDGER_KEY: a key with the scopes changes:read and numbers:clear, where the server asks for one.
 *
 * The journal (journal.mjs, beside this file) is all the state there is. One process per journal: a second one is kept out.
 *
 * Exit code 0: done; 1: the server was away (--once), or what was charged does not add up; 2: it cannot go on, and says why.
 */
import { readFileSync, realpathSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Journal, lockFor, Stop } from './journal.mjs';

/** How long the server may hold a request for a change, s; and how long to leave it alone when it is away, ms. */
const WAIT_S = 25;
const AWAY_MS = 2_000;
/** What a masked number looks like. A number may have been dialled so, too: the server is asked before it is believed. */
const MASKED = /^\+?[0-9*#]{0,4}\*{5}([0-9*#]{2})?$/;

/** What passes: the server is away, or wants to be left alone for a while. */
class Away extends Error {
  constructor(message, afterMs = AWAY_MS) {
    super(message);
    this.afterMs = afterMs;
  }
}

/** What a call costs in whole cents: per started second, at a rate per minute in 1/100 cent, half a cent up. */
export function centsOf(talkMs, ratePerMinute) {
  const seconds = BigInt(Math.ceil(talkMs / 1_000));
  const perCent = 60n * 100n;
  return Number((seconds * BigInt(ratePerMinute) * 2n + perCent) / (perCent * 2n));
}

/** The rate of the longest prefix of a number, written with or without + or 00; null: no prefix fits. */
export function rateOf(number, perMinute) {
  const digits = number?.replace(/^(?:\+|00)/, '') ?? '';
  for (let length = digits.length; length > 0; length--) {
    const rate = perMinute[digits.slice(0, length)];
    if (rate !== undefined) return rate;
  }
  return null;
}

/**
 * The entries a change makes: a later revision takes back the whole charge and makes a new one, so that the journal only grows.
 * @param known what was charged for the call so far; undefined when it was never heard of
 */
export function entriesOf(change, known, { currency, perMinute }) {
  const { id, revision, billable, reasons, call } = change;
  if (known !== undefined && revision <= known.revision) return [];
  const before = known?.cents ?? 0;
  const rate = billable ? rateOf(call.calleeNumber, perMinute) : null;
  const cents = rate === null ? 0 : centsOf(call.talkMs, rate);
  const why = billable ? (rate === null ? ['no_rate'] : []) : reasons;
  const told = { id, revision, currency };
  if (cents === before) return [{ ...told, kind: 'noted', cents: 0, charged: cents, why }];
  return [
    ...(before === 0 ? [] : [{ ...told, kind: 'credit', cents: -before, charged: 0, why }]),
    ...(cents === 0 ? [] : [{ ...told, kind: 'charge', cents, charged: cents, why }]),
  ];
}

/** What one page adds to the journal; two revisions of a call on one page follow each other. */
function lineOf(changes, cursor, journal, tariff) {
  const latest = new Map();
  const entries = changes.flatMap((change) => {
    const made = entriesOf(change, latest.get(change.id) ?? journal.charged.get(change.id), tariff);
    const last = made.at(-1);
    if (last !== undefined) latest.set(change.id, { revision: last.revision, cents: last.charged });
    return made;
  });
  return { cursor, entries };
}

/** What the server says is wrong, REST's way or GraphQL's. */
function sentenceOf(text) {
  try {
    const { detail, errors = [] } = JSON.parse(text);
    const faults = errors.map(({ parameter, reason, message }) => message ?? `${parameter} ${reason}`);
    return [detail, ...faults].filter((one) => one !== undefined).join(' ');
  } catch {
    return text.slice(0, 200);
  }
}

/** An answer of the server; null when it says that the cursor's place is gone. Throws Away or Stop. */
async function ask(url, init = {}) {
  const key = process.env.RINGLEDGER_KEY;
  const headers = { ...init.headers, ...(key === undefined ? {} : { authorization: `Bearer ${key}` }) };
  const request = new Request(url, { ...init, headers });
  const away = (error) => Promise.reject(new Away(`Nobody answers: ${error.cause?.message ?? error.message}`));
  const response = await fetch(request).catch(away);
  const text = await response.text().catch(away);
  if (response.ok) return JSON.parse(text);
  if (response.status === 410) return null;
  const told = `The server answers ${response.status}: ${sentenceOf(text)}`;
  if (response.status !== 429 && response.status < 500) throw new Stop(told);
  const afterS = Number(response.headers.get('retry-after'));
  throw new Away(told, afterS > 0 ? afterS * 1_000 : AWAY_MS);
}

/** The changes feed. */
class Feed {
  constructor({ url, once }) {
    this.url = url;
    this.once = once;
    this.isClear = false;
  }

  /**
   * A page of settled records after the cursor, with numbers that can be rated; null when the cursor's place is gone.
   *
   * What the key may see is asked after a page: while the database is away the server shows clear numbers to nobody. A page that
   * looks masked all the same is asked for again.
   */
  async pageAfter(cursor) {
    const page = await this.read(cursor);
    const looksMasked = page?.data.some(({ billable, call }) => billable && MASKED.test(call.calleeNumber ?? ''));
    if (!this.isClear || looksMasked) await this.demandClear();
    this.isClear = true;
    return looksMasked ? this.read(cursor) : page;
  }

  read(cursor) {
    const query = new URLSearchParams({ settled: 'true', limit: '500', wait: String(this.once ? 0 : WAIT_S) });
    if (cursor !== null) query.set('after', cursor);
    return ask(`${this.url}/api/v1/changes?${query}`);
  }

  /** Of a masked number four digits are left: a longer prefix would be passed over for a shorter one, at another rate. */
  async demandClear() {
    const body = JSON.stringify({ query: '{ access { scopes } }' });
    const answer = await ask(`${this.url}/graphql`, {
      ...{ method: 'POST', headers: { 'content-type': 'application/json' }, body },
    });
    if (answer.errors !== undefined) throw new Stop(`The server answers: ${sentenceOf(JSON.stringify(answer))}`);
    if (answer.data.access.scopes.includes('numbers:clear')) return;
    throw new Stop('Masked numbers cannot be rated: the key in RINGLEDGER_KEY needs the scope numbers:clear as well.');
  }

  /** As pageAfter, for as long as it takes; but at once or not at all with --once. */
  async patientPageAfter(cursor) {
    for (;;) {
      try {
        return await this.pageAfter(cursor);
      } catch (error) {
        if (!(error instanceof Away) || this.once) throw error;
        console.error(`${error.message} Trying again in ${error.afterMs / 1_000} s.`);
        await sleep(error.afterMs);
      }
    }
  }
}

async function follow(journal, tariff, options) {
  const feed = new Feed(options);
  for (let cursor = journal.cursor; ;) {
    const page = await feed.patientPageAfter(cursor);
    if (page === null) {
      console.error(
        'Changes after the last cursor are no longer kept. Going on with the oldest; compare with GET /api/v1/calls.',
      );
      cursor = null;
      continue;
    }
    // A page without news is not worth a line: the old cursor leads to the same place.
    if (page.data.length > 0) journal.append(lineOf(page.data, page.page.nextCursor, journal, tariff));
    cursor = page.page.nextCursor;
    if (options.once && !page.page.more) return;
  }
}

async function main() {
  const { values } = parseArgs({
    options: {
      url: { type: 'string', default: 'http://127.0.0.1:3000' },
      journal: { type: 'string', default: 'charges.jsonl' },
      tariff: { type: 'string', default: fileURLToPath(new URL('tariff.json', import.meta.url)) },
      once: { type: 'boolean', default: false },
      sum: { type: 'boolean', default: false },
    },
  });
  const tariff = JSON.parse(readFileSync(values.tariff, 'utf8'));
  if (!values.sum) lockFor(values.journal);
  const journal = new Journal(values.journal, !values.sum);
  if (!values.sum) await follow(journal, tariff, values);
  console.log(journal.sum(tariff.currency));
  for (const fault of journal.faults()) console.error(`Charged wrongly: ${fault}`);
  if (journal.faults().length > 0) process.exitCode = 1;
  journal.close();
}

/** Whether this file is what node was started with, by whatever name: a link, or a path with spaces. */
function isStarted() {
  const [, started] = process.argv;
  return started !== undefined && realpathSync(started) === realpathSync(fileURLToPath(import.meta.url));
}

if (isStarted()) {
  try {
    await main();
  } catch (error) {
    if (!(error instanceof Stop || error instanceof Away)) throw error;
    console.error(error.message);
    process.exitCode = error instanceof Stop ? 2 : 1;
  }
}
