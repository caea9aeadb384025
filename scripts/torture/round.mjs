/** One round: an application of its own under simulated load, the faults of its plan, and what the ledger made of it. */
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { simulate } from '../../dist/simulator/simulate.js';
import { HORIZON_MS, Instance } from './instance.mjs';
import { planRound, TRAFFIC } from './plan.mjs';

/** A beat more or less at either end of an outage. */
const HEARTBEATS_MS = 1_000;

/** Sending, the last fault and its end. */
const WATCHED_MS = 20_000;

/** A database that is hurt alone costs nothing: the spool takes what it does not. */
const DATABASE_ALONE = new Set(['kill_postgres', 'kill_backend', 'freeze_postgres']);

/**
 * Not judged of a round: `possibleOff`, since estimates are true of many rounds and are summed and judged at the end; and
 * `outageOff`, since the traffic of a round may end within an outage, and its rate before then says nothing about that.
 */
const NOT_OF_A_ROUND = new Set(['possibleOff', 'outageOff']);

/** @returns what the round found; `faults` empty when all held */
export async function tortured(seed) {
  const plan = planRound(seed);
  const instance = await Instance.open();
  open.add(instance);
  try {
    await instance.start();
    await instance.introduce(plan.address);
    let truth = [];
    const over = runFaults(instance, plan.faults);
    void instance.watchSpool(sleep(WATCHED_MS));
    const outcome = await simulate(options(plan, instance), over.progress, (told) => (truth = told));
    await over.done;
    const raw = await instance.stopAndRead((url) => rawOf(url));
    return verdict(plan, instance, outcome, compared(truth, raw));
  } catch (error) {
    return {
      plan,
      faults: [String(error), ...instance.faults, instance.said.slice(-1_500)],
      notes: [],
      estimate: null,
      counts: null,
    };
  } finally {
    await instance.close();
    open.delete(instance);
  }
}

/** Instances of rounds under way. */
const open = new Set();

/** Ends them, for a run that is broken off. */
export async function closeAll() {
  await Promise.all([...open].map((instance) => instance.close()));
}

/** Starts the faults with the first report; those of the link are the simulated link's own. */
function runFaults(instance, faults) {
  const under = [];
  let began = false;
  const begin = () => {
    began = true;
    for (const fault of faults) {
      if (fault.kind !== 'cut_link') under.push(sleep(fault.atMs).then(() => instance.hurt(fault)));
    }
  };
  return {
    progress: (phase) => {
      if (phase === 'sending' && !began) begin();
    },
    get done() {
      return Promise.all(under);
    },
  };
}

function options({ seed, address, serial, lossIn, lossBack, faults }, instance) {
  const cut = faults.find(({ kind }) => kind === 'cut_link');
  return {
    ...{
      targets: [{ host: '127.0.0.1', port: instance.ports.udp }],
      api: instance.api,
      seed,
      retry: null,
      intervalMs: null,
    },
    ...{ ringMsMean: TRAFFIC.ringMsMean, holdMsMean: TRAFFIC.holdMsMean, scale: false },
    ...{
      calls: TRAFFIC.calls,
      rate: TRAFFIC.rate,
      answerRatio: 0.6,
      directOk: 0.02,
      failedWithBye: 0.05,
      failedWithoutBye: 0,
    },
    ...{
      codes: 'mix',
      serial,
      sources: 1,
      sourceAddress: address,
      callIdPrefix: null,
      restartCallIds: null,
      ackMatch: 'state',
    },
    format: { codec: 'delimited', delimiter: ',', charset: 'utf-8' },
    ...{ lossIn, lossBack, duplicate: 0.02, reorder: 0.02 },
    ...{ pauseAtMs: cut?.atMs ?? null, pauseForMs: cut?.forMs ?? null },
    // Read when all is over: that is when it is known.
    get downMs() {
      return Math.round(instance.downMs + instance.kills * HEARTBEATS_MS);
    },
    ...{ waitMs: null, toleranceMs: 20 },
  };
}

/** The raw rows of every notification by Call ID, serial and state, oldest first; instants in ms. */
async function rawOf(url) {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const { rows } = await client.query(
      `select call_id || ' ' || serial || ' ' || state as name, json_agg(json_build_object(
         'first', extract(epoch from first_at) * 1000, 'last', extract(epoch from last_at) * 1000,
         'copies', copies, 'idle', idle_ms) order by first_at) as spans
       from notification group by 1`,
    );
    return new Map(rows.map(({ name, spans }) => [name, spans]));
  } finally {
    await client.end();
  }
}

/**
 * Rows of one notification: a fault when receipts at most H apart were not joined. Further apart they are rows of their own by rule 2
 * (docs/truth.md): a notification is sent within 3 s here, but one that was committed late and whose last copy waited for a
 * frozen application, with the copies between refused for want of a spool, is heard twice 6 s apart and more.
 */
function isStoredTwice(spans) {
  return spans.some(({ first }, index) => index > 0 && first - spans[index - 1].last <= HORIZON_MS);
}

function spanText([name, spans]) {
  const clock = (at) => new Date(at).toISOString().slice(11, 23);
  const texts = spans.map(
    ({ first, last, copies, idle }) =>
      `${clock(first)}..${clock(last)} x${String(copies)}, ${String(idle)} ms in the kernel`,
  );
  return `${name}: ${texts.join('; ')}`;
}

/** What the sender saw acked against what is stored. */
function compared(truth, raw) {
  const sent = truth.flatMap(({ callId, notifications }) =>
    notifications.map((one) => ({ ...one, name: `${callId} ${one.serial} ${one.state}` })),
  );
  const acked = sent.filter(({ answered }) => answered);
  const several = [...raw].filter(([, spans]) => spans.length > 1);
  return {
    sent: sent.length,
    acked: acked.length,
    notStored: acked.filter(({ name }) => !raw.has(name)).map(({ name }) => name),
    storedTwice: several.filter(([, spans]) => isStoredTwice(spans)).map(spanText),
    apart: several.filter(([, spans]) => !isStoredTwice(spans)).map(spanText),
  };
}

function verdict(plan, instance, { judgement, sender }, { sent, acked, notStored, storedTwice, apart }) {
  const failed = judgement.lines.filter(({ ok, key }) => !ok && !NOT_OF_A_ROUND.has(key));
  const value = (key) => judgement.lines.find((line) => line.key === key)?.value ?? 0;
  const costsNothing = plan.lossIn === 0 && plan.faults.every(({ kind }) => DATABASE_ALONE.has(kind));
  const cost = costsNothing && (value('lost') > 0 || value('outageMs') > 0);
  const faults = [
    ...(cost
      ? [
          `${String(value('lost'))} lost, ${String(value('outageMs'))} ms of outage declared, though only the database was hurt`,
        ]
      : []),
    ...instance.faults,
    ...notStored.map((name) => `acked and not stored: ${name}`),
    ...storedTwice.map((name) => `stored twice: ${name}`),
    ...failed.map(
      (line) =>
        `${line.title.trim()}: ${String(line.value)}, at most ${String(line.limit)} ${line.examples.join('; ')}`,
    ),
  ];
  const note = judgement.lines.find(({ key }) => key === 'possibleOff')?.note ?? '';
  const [, lost = 0, expected = 0, sigma = 0] = /^([\d.]+) lost, ([\d.]+) estimated.*sigma ([\d.]+)/.exec(note) ?? [];
  return {
    ...{ plan, faults, notes: apart.map((text) => `heard twice, further apart than H: ${text}`) },
    ...{ estimate: { lost: Number(lost), expected: Number(expected), sigma: Number(sigma) } },
    counts: {
      ...{ sent, acked, givenUp: sender.givenUp, lost: value('lost'), undeclared: value('undeclared') },
      ...{ pending: value('pending'), downMs: Math.round(instance.downMs), spooled: instance.spooledMost },
    },
  };
}
