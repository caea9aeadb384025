/**
 * Follows Ringledger's changes feed and charges settled calls by prefix: an example to start from, for Node 20 alone.
 *
 *   node examples/rating.mjs --url http://127.0.0.1:3000 --journal charges.jsonl --tariff examples/tariff.json [--once]
 *   node examples/rating.mjs --journal charges.jsonl --sum
 *
 * RINGLEDGER_KEY: a key with the scopes changes:read and numbers:clear, where the server asks for one.
 *
 * The journal is all the state there is: a line per page, holding the entries made of it and the cursor it ended at. A line is
 * there whole or not at all, so the entries and the place they were read up to can never disagree: after kill -9 what is left of a
 * torn line is cut off, and that page is asked for again. Run one of these per journal.
 */
import { closeSync, existsSync, fdatasyncSync, ftruncateSync, openSync, readFileSync, writeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';

/** How long the server may hold a request for a change, s; and how long to leave it alone when it is away, ms. */
const WAIT_S = 25;
const AWAY_MS = 2_000;

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

/** The journal: what was charged for each call, and where the feed goes on. */
export class Journal {
  constructor(path) {
    this.charged = new Map();
    this.cursor = null;
    const text = existsSync(path) ? readFileSync(path, 'utf8') : '';
    const whole = text.slice(0, text.lastIndexOf('\n') + 1);
    for (const line of whole.split('\n').filter((one) => one !== '')) this.take(JSON.parse(line));
    this.file = openSync(path, 'a');
    ftruncateSync(this.file, Buffer.byteLength(whole));
  }

  take({ cursor, entries }) {
    this.cursor = cursor;
    for (const { id, revision, charged, why } of entries) this.charged.set(id, { revision, cents: charged, why });
  }

  /** Returns when the line is on the disk. */
  append(line) {
    const bytes = Buffer.from(`${JSON.stringify(line)}\n`);
    for (let at = 0; at < bytes.length;) at += writeSync(this.file, bytes, at);
    fdatasyncSync(this.file);
    this.take(line);
  }

  /** What all calls cost, and why some cost nothing: short ones may come to less than half a cent. */
  sum(currency) {
    const calls = [...this.charged.values()];
    const cents = calls.reduce((total, one) => total + one.cents, 0);
    const reasons = new Map();
    for (const why of calls.flatMap((one) => one.why)) reasons.set(why, (reasons.get(why) ?? 0) + 1);
    const rated = calls.filter(({ why }) => why.length === 0);
    const free = rated.filter((one) => one.cents === 0).length;
    const told = [`${rated.length} rated (${free} of them below half a cent)`];
    for (const [why, count] of [...reasons].sort()) told.push(`${count} ${why}`);
    return `${calls.length} calls, ${(cents / 100).toFixed(2)} ${currency}: ${told.join(', ')}`;
  }

  close() {
    closeSync(this.file);
  }
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

/** A page of settled records after the cursor; null when the feed says that the cursor's place is gone. */
async function pageAfter(cursor, { url, once }) {
  const query = new URLSearchParams({ settled: 'true', limit: '500', wait: String(once ? 0 : WAIT_S) });
  if (cursor !== null) query.set('after', cursor);
  const key = process.env.RINGLEDGER_KEY;
  const headers = key === undefined ? {} : { authorization: `Bearer ${key}` };
  const response = await fetch(`${url}/api/v1/changes?${query}`, { headers });
  if (response.status === 410) return null;
  if (!response.ok) throw new Error(`${response.status}: ${await response.text()}`);
  return response.json();
}

async function follow(journal, tariff, options) {
  for (let cursor = journal.cursor; ;) {
    const page = await pageAfter(cursor, options).catch(async (error) => {
      if (options.once) throw error;
      console.error(`The feed did not answer; trying again: ${error.message}`);
      await sleep(AWAY_MS);
      return undefined;
    });
    if (page === undefined) continue;
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
      tariff: { type: 'string', default: new URL('tariff.json', import.meta.url).pathname },
      once: { type: 'boolean', default: false },
      sum: { type: 'boolean', default: false },
    },
  });
  const journal = new Journal(values.journal);
  const tariff = JSON.parse(readFileSync(values.tariff, 'utf8'));
  if (!values.sum) await follow(journal, tariff, values);
  console.log(journal.sum(tariff.currency));
  journal.close();
}

if (process.argv[1] === new URL(import.meta.url).pathname) await main();
