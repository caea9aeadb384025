/**
 * `npm run truth`: the built product, as processes over real sockets, against the simulated IVR, in every case that the
 * rules of truth are judged by (their last section) and under every meaning of Serial Numbers. One row per run:
 *
 *   npm run truth -- --calls 10000 --rate 200      all, two at a time; about two minutes a run
 *   npm run truth -- --only loss-40/,per_source    those whose name holds one of the texts
 *   npm run truth -- --json                        one JSON document
 *
 * The retry interval is 1 s, so H is 7 s and calls, outages and limits are as much shorter than an IVR's. The receivers
 * of a run share a database of its own on one PostgreSQL under a temporary folder. Exit code 1 when a run failed.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import pg from 'pg';
import { startEmbedded } from '../dist/store/embedded/embedded.js';
import { answers, CLI, freePorts } from './product.mjs';

const AT_ONCE = 2;
/** A machine that is busy with other work took more than a minute for a start. */
const READY_MS = 300_000;

const MEANINGS = ['per_call', 'per_source', 'constant', 'call_number', 'opaque'];
const CODECS = ['delimited:,', 'delimited:|', 'key_value:&', 'json', 'delimited:;', 'delimited:tab', 'delimited:^'];
const SETTINGS = {
  ...{ IVR_CALL_REPORT_RETRY: '6', IVR_CALL_REPORT_RETRY_INTERVAL: '1', RETRY_MARGIN_MS: '1000' },
  ...{ STALE_RINGING_S: '40', STALE_ANSWERED_S: '60', LOSS_WINDOW_S: '20', UDP_ALLOWED_SOURCES: '127.0.0.0/8' },
  ...{ UDP_HOST: '127.0.0.1', LOG_LEVEL: 'error', LOG_FORMAT: 'json', DATABASE_CONNECTIONS_MAX: '10' },
  // The judge reads every timeline: 10,000 of them take 90 s at the usual limit.
  RATE_LIMIT_PER_S: '0',
};

const { values: asked } = parseArgs({
  options: {
    calls: { type: 'string', default: '10000' },
    rate: { type: 'string', default: '200' },
    only: { type: 'string', default: '' },
    seed: { type: 'string', default: 'truth' },
    json: { type: 'boolean', default: false },
  },
});
const calls = Number(asked.calls);
/** When half of the calls have begun. */
const halfwayMs = (500 * calls) / Number(asked.rate);

/** An ID must be free again for two H when it comes back: a minute covers all but the longest calls. */
const reuseAfter = Math.min(2500, Math.ceil(calls / 4));

const loss = (inward, back) => ['--loss-in', String(inward), '--loss-back', String(back)];
/** `downMs`: the receiver is killed halfway and started again so much later. 17 s and 60 s at an interval of 3 s. */
const CASES = [
  { name: 'loss-0', flags: loss(0, 0) },
  { name: 'loss-10', flags: loss(0.1, 0.1) },
  { name: 'loss-40', flags: loss(0.4, 0.4) },
  { name: 'loss-40-in', flags: loss(0.4, 0) },
  { name: 'direct-ok', flags: [...loss(0.1, 0.1), '--direct-ok', '0.02', '--duplicate', '0.05', '--reorder', '0.05'] },
  { name: 'failed-bye', flags: [...loss(0.1, 0.1), '--failed-with-bye', '0.1'] },
  { name: 'failed-no-bye', flags: [...loss(0.1, 0.1), '--failed-without-bye', '0.1'] },
  { name: 'restart-ids', flags: [...loss(0.1, 0.1), '--restart-call-ids', String(reuseAfter)], rate: reuseAfter / 60 },
  { name: 'outage-17', flags: loss(0.1, 0.1), downMs: 17_000 / 3 },
  { name: 'outage-60', flags: loss(0.1, 0.1), downMs: 20_000 },
  // The link is cut for longer than a notification is tried: no copy shows what was lost.
  { name: 'cut-link', flags: [...loss(0, 0), '--pause-at', String(halfwayMs / 1000), '--pause-for', '10'] },
  { name: 'two-receivers', flags: loss(0.1, 0.1), receivers: 2 },
  { name: 'ack-first', flags: [...loss(0.1, 0.1), '--ack-match', 'first'], meanings: ['constant', 'call_number'] },
  { name: 'ack-all', flags: [...loss(0.1, 0.1), '--ack-match', 'all'], meanings: ['constant', 'call_number'] },
];

const runs = CASES.flatMap((one) => (one.meanings ?? MEANINGS).map((serial) => ({ ...one, serial })))
  .map((one, index) => ({ ...one, id: `${one.name}/${one.serial}`, codec: CODECS[index % CODECS.length] }))
  .filter(({ id }) => asked.only.split(',').some((text) => id.includes(text)));

const children = new Set();
const folder = mkdtempSync(join(tmpdir(), 'ringledger-truth-'));
const postgres = await startEmbedded(folder, { settings: { max_connections: '100' } });
const admin = new pg.Client({ connectionString: withDatabase('postgres') });
await admin.connect();
const results = [];
// Whoever ends it early leaves neither PostgreSQL nor a receiver nor an IVR behind; npm passes a signal on that came to both.
let ending = null;
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => (ending ??= endEarly()));
try {
  const waiting = [...runs];
  const work = async () => {
    for (let one = waiting.shift(); one !== undefined; one = waiting.shift()) results.push(await judged(one));
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
} finally {
  for (const child of children) child.kill('SIGKILL');
  await admin.end();
  await postgres.stop();
  rmSync(folder, { recursive: true, force: true });
}
tell();

async function endEarly() {
  for (const child of children) child.kill('SIGKILL');
  await admin.end();
  await postgres.stop();
  rmSync(folder, { recursive: true, force: true });
  process.exit(1);
}

function withDatabase(name) {
  const url = new URL(postgres.url);
  url.pathname = `/${name}`;
  return url.href;
}

/** One run, from an empty database to its row. */
async function judged(one) {
  const database = `truth_${String(results.length)}_${one.id.replace(/\W/g, '_')}_${String(Date.now())}`;
  await admin.query(`create database ${database}`);
  const ports = [];
  for (let index = 0; index < (one.receivers ?? 1); index++) ports.push(await freePorts());
  let receivers = [];
  try {
    for (const port of ports) receivers.push(await startReceiver(database, port));
    const done = simulate(one, ports);
    if (one.downMs !== undefined) {
      // What fails meanwhile is told where the run is awaited.
      done.catch(() => undefined);
      await firstCall(ports[0]);
      await sleep(halfwayMs);
      receivers[0].kill('SIGKILL');
      await sleep(one.downMs);
      receivers = [await startReceiver(database, ports[0])];
    }
    return row(one, await done);
  } catch (error) {
    return row(one, { fault: String(error) });
  } finally {
    await Promise.all(receivers.map(stop));
    await admin.query(`drop database ${database} with (force)`);
  }
}

async function startReceiver(database, { udp, http }) {
  // A folder of its own: the spool that a killed receiver leaves is for its own database.
  const own = { DATABASE_URL: withDatabase(database), DATA_DIR: join(folder, `${database}-${String(udp)}`) };
  const env = { ...own, IVR_CALL_REPORT_PORT: String(udp), HTTP_PORT: String(http) };
  const child = spawn(process.execPath, [CLI, 'start'], {
    ...{ cwd: folder, stdio: ['ignore', 'ignore', 'inherit'], env: { ...process.env, ...SETTINGS, ...env } },
  });
  children.add(child);
  child.once('exit', () => children.delete(child));
  if (await answers(`http://127.0.0.1:${String(http)}/health/ready`, child, READY_MS)) return child;
  throw new Error('the receiver did not start');
}

async function firstCall({ http }) {
  for (const deadline = performance.now() + READY_MS; performance.now() < deadline; await sleep(100)) {
    const answer = await fetch(`http://127.0.0.1:${String(http)}/api/v1/calls?limit=1`);
    if ((await answer.json()).data.length > 0) return;
  }
}

async function stop(child) {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  await exited;
}

async function simulate({ id, serial, codec, flags, rate = Number(asked.rate) }, ports) {
  const targets = ports.map(({ udp }) => `127.0.0.1:${String(udp)}`).join(',');
  const where = ['--target', targets, '--api', `http://127.0.0.1:${String(ports[0].http)}`];
  const what = ['--calls', asked.calls, '--rate', String(rate), '--serial', serial, '--codec', codec];
  const seed = ['--seed', `${asked.seed}-${id.replace('/', '-')}`];
  const child = spawn(process.execPath, [CLI, 'simulate', '--json', ...where, ...what, ...seed, ...flags], {
    ...{ cwd: folder, stdio: ['ignore', 'pipe', 'inherit'] },
  });
  children.add(child);
  const output = [];
  child.stdout.on('data', (chunk) => output.push(chunk));
  const [code] = await once(child, 'close');
  children.delete(child);
  if (code !== 0 && code !== 1) throw new Error(`simulate could not run (${String(code)})`);
  return JSON.parse(Buffer.concat(output).toString());
}

function row({ id, codec }, { judgement, fault }) {
  const value = (key) => judgement?.lines.find((line) => line.key === key)?.value ?? null;
  const failed = (judgement?.lines ?? []).filter(({ ok }) => !ok);
  const result = {
    ...{ id, codec, passed: judgement?.passed === true },
    wrong: sum(['wrong', 'wrongBounds', 'wrongShape', 'wrongInferred'].map(value)),
    ...{ undeclared: value('undeclared'), declaredNotLost: value('declaredNotLost') },
    unknownPercent: value('unknownPercent'),
    outageNote: judgement?.lines.find((line) => line.key === 'outageOff')?.note ?? '',
    failed: fault === undefined ? failed : [{ title: fault, value: '', limit: '', examples: [] }],
  };
  if (!asked.json) tellRow(result);
  return result;
}

function sum(values) {
  return values.reduce((total, value) => total + (value ?? 0), 0);
}

function tellRow(result) {
  const { id, codec, passed, wrong, undeclared, declaredNotLost, unknownPercent, failed } = result;
  const columns = [
    `wrong ${wrong}`,
    `undeclared ${undeclared}`,
    `not lost ${declaredNotLost}`,
    `unknown ${unknownPercent} %`,
  ];
  console.log(
    `${passed ? 'passed' : 'FAILED'}  ${id.padEnd(26)} ${codec.padEnd(14)} ${columns.map((text) => text.padEnd(15)).join(' ')}`,
  );
  for (const { title, value, limit, examples } of failed) {
    console.log(`        ${title.trim()}: ${value}${limit === '' ? '' : `, at most ${limit}`}`);
    for (const example of examples) console.log(`          ${example}`);
  }
}

function tell() {
  const failed = results.filter(({ passed }) => !passed).length;
  if (asked.json) console.log(JSON.stringify(results, null, 2));
  else
    console.log(
      `${String(results.length - failed)} of ${String(results.length)} runs of ${asked.calls} calls told the truth.`,
    );
  process.exitCode = failed === 0 && results.length > 0 ? 0 : 1;
}
