/** The sweep on real PostgreSQL: what it makes of outages, of two receivers, and of ingest writing the same calls meanwhile. */
import { NOTHING_NOTICED, type Noticed } from '../../src/ingest/feed/heartbeat.js';
import { TickCutShort } from '../../src/ingest/sweep/sweep.js';
import type { Arrival } from '../../src/notification.js';
import { PgRebuildStore } from '../../src/store/ledger/rebuild.js';
import { arrival, EPOCH, SETTINGS } from '../support/arrivals.js';
import { ONE, OTHER, SOURCE, SweptLedger } from '../support/sweeping.js';

const swept = new SweptLedger();

/** Spans in ms after the epoch. */
async function outages(): Promise<readonly (readonly [number, number])[]> {
  const { rows: found } = await swept.pool.query<{ start_at: Date; end_at: Date }>(
    'select * from outage order by start_at',
  );
  return found.map(({ start_at, end_at }) => [start_at.getTime() - EPOCH, end_at.getTime() - EPOCH]);
}

function answered(callId: string): readonly Arrival[] {
  return (['ringing', 'ok', 'bye'] as const).map((state, at) => arrival(callId, String(at + 1), state, at * 1_000));
}

describe('an outage', () => {
  test('is the time in which nobody served: from the last sign of life to the start of the next receiver', async () => {
    const one = swept.sweepOf(ONE);
    await one.beat(EPOCH, EPOCH - 1);
    await one.beat(EPOCH + 1_000, EPOCH + 999);
    await swept.sweepOf(OTHER).beat(EPOCH + 61_000, EPOCH + 60_999);
    expect(await outages()).toEqual([[1_000, 61_000]]);
    expect(await swept.rows('select kind, certainty, status, source_key from gap')).toEqual([
      { kind: 'outage', certainty: 'certain', status: 'open', source_key: SOURCE },
    ]);
  });

  test('is none while another receiver serves', async () => {
    const [one, other] = [swept.sweepOf(ONE), swept.sweepOf(OTHER)];
    await one.beat(EPOCH, EPOCH - 1);
    for (let at = 0; at <= 60_000; at += 1_000) await other.beat(EPOCH + at, EPOCH + at - 1);
    // The first one comes back after a minute, and one more starts.
    await one.beat(EPOCH + 60_000, EPOCH + 59_999);
    await swept.sweepOf('00000000-0000-4000-8000-000000000003').beat(EPOCH + 60_000, EPOCH + 59_999);
    expect(await outages()).toEqual([]);
  });

  test('is declared by whoever is left, though two were killed before they knew of one another', async () => {
    await swept.sweepOf(ONE).beat(EPOCH, EPOCH - 1);
    const other = swept.sweepOf(OTHER);
    await other.beat(EPOCH + 700, EPOCH + 699);
    expect(await other.beat(EPOCH + 900, EPOCH + 899, { ...NOTHING_NOTICED, openedAt: EPOCH + 800 })).toBe(EPOCH - 1);
    // It served from 800 on, which nobody knows any more.
    await swept.sweepOf('00000000-0000-4000-8000-000000000003').beat(EPOCH + 30_000, EPOCH + 29_999);
    expect(await outages()).toEqual([[0, 30_000]]);
  });

  test('is none of a receiver that never listened', async () => {
    const [one, other] = [swept.sweepOf(ONE), swept.sweepOf(OTHER)];
    await one.beat(EPOCH, EPOCH - 1);
    await other.beat(EPOCH + 700, EPOCH + 699);
    await swept.store.stopped(OTHER, EPOCH + 900, null);
    await one.beat(EPOCH + 1_000, EPOCH + 999);
    expect(await outages()).toEqual([]);
    await swept.sweepOf('00000000-0000-4000-8000-000000000003').beat(EPOCH + 60_000, EPOCH + 59_999);
    expect(await outages()).toEqual([[1_000, 60_000]]);
  });

  test('is none where a beat came late and the receive loop ran', async () => {
    const one = swept.sweepOf(ONE);
    await one.beat(EPOCH, EPOCH - 1);
    await one.beat(EPOCH + 60_000, EPOCH + 59_999);
    expect(await outages()).toEqual([]);
  });

  test('is what the receive loop stood still for, from more than three heartbeats on, and nothing of it is certain', async () => {
    const one = swept.sweepOf(ONE);
    await one.beat(EPOCH, EPOCH - 1);
    const stood = (from: number, to: number): Noticed => ({
      stalls: [{ from: EPOCH + from, to: EPOCH + to }],
      overflows: [],
    });
    await one.beat(EPOCH + 3_100, EPOCH + 3_099, stood(100, 3_100));
    expect(await outages()).toEqual([]);
    await one.beat(EPOCH + 40_000, EPOCH + 39_999, stood(10_000, 40_000));
    expect(await outages()).toEqual([[10_000, 40_000]]);
    expect(await swept.rows('select certainty, left(detail, 22) as detail from gap')).toEqual([
      { certainty: 'possible', detail: 'the receive loop stood' },
    ]);
  });

  test('is the part of a standstill that no other receiver lived through', async () => {
    const [one, other] = [swept.sweepOf(ONE), swept.sweepOf(OTHER)];
    await one.beat(EPOCH, EPOCH - 1);
    for (const at of [0, 10_000, 11_000]) await other.beat(EPOCH + at, EPOCH + at - 1);
    const stalls = [{ from: EPOCH + 1_000, to: EPOCH + 20_000 }];
    await one.beat(EPOCH + 20_000, EPOCH + 19_999, { stalls, overflows: [] });
    expect(await outages()).toEqual([[11_000, 20_000]]);
  });

  test('begins where a receiver stopped on purpose, and a restart shorter than H loses nothing for certain', async () => {
    await swept.sweepOf(ONE).beat(EPOCH, EPOCH - 1);
    await swept.store.stopped(ONE, EPOCH + 450, EPOCH + 400);
    await swept.sweepOf(OTHER).beat(EPOCH + 2_000, EPOCH + 1_999);
    expect(await outages()).toEqual([[400, 2_000]]);
    expect(await swept.rows('select certainty from gap')).toEqual([{ certainty: 'possible' }]);
  });

  test('with nothing missing inside is explained once W has passed its deadline', async () => {
    await swept.sweepOf(ONE).beat(EPOCH, EPOCH - 1);
    const other = swept.sweepOf(OTHER);
    await other.beat(EPOCH + 17_000, EPOCH + 16_999);
    await other.tick(EPOCH + 17_000 + 19_000, EPOCH + 36_000);
    expect(await swept.rows('select status from gap')).toEqual([{ status: 'open' }]);
    await other.tick(EPOCH + 17_000 + 19_001, EPOCH + 36_001);
    expect(await swept.rows('select status from gap')).toEqual([{ status: 'explained' }]);
  });
});

test('a rebuild goes by what all that are alive have stored, or by all that was stored when none is', async () => {
  const through = async (): Promise<number> => {
    const [source] = await new PgRebuildStore(swept.prisma).sources();
    return (source?.through ?? NaN) - EPOCH;
  };
  const now = Date.now();
  await swept.store.beat(ONE, now, EPOCH + 5_000);
  await swept.store.beat(OTHER, now, EPOCH + 9_000);
  expect(await through()).toBe(5_000);
  await swept.store.beat(ONE, now - 20_000, EPOCH + 5_000);
  expect(await through()).toBe(9_000);
  await swept.store.stopped(OTHER, now, now);
  expect(await through()).toBe(now - EPOCH);
});

describe('a tick', () => {
  test('presumes a call ended at its last event plus the limit, whenever it runs', async () => {
    await swept.commit(arrival('s', '1', 'ringing', 0));
    await swept.sweepOf(ONE).tick(EPOCH + 9_000_000, EPOCH + 9_000_000);
    const presumed = new Date(EPOCH + SETTINGS.staleRingingMs);
    expect(await swept.rows('select state, end_provenance, presumed_ended_at, talk_ms from call')).toEqual([
      { state: 'ended', end_provenance: 'presumed', presumed_ended_at: presumed, talk_ms: null },
    ]);
  });

  test('twice to the same W changes nothing the second time', async () => {
    await swept.commit(...answered('a'), arrival('s', '1', 'ringing', 0), arrival('u', '2', 'bye', 5_000));
    const sweep = swept.sweepOf(ONE);
    await sweep.tick(EPOCH + 9_000_000, EPOCH + 9_000_000);
    const all = `select to_jsonb(call) as row from call order by call_key, id`;
    const before = await swept.rows(all);
    await sweep.tick(EPOCH + 9_000_000, EPOCH + 9_500_000);
    expect(await swept.rows(all)).toEqual(before);
  });

  test('that is cut short does what it did, and the next one the rest: as one that was not', async () => {
    await swept.commit(...answered('a'), arrival('s', '1', 'ringing', 0), arrival('u', '2', 'bye', 5_000));
    const W = EPOCH + 9_000_000;
    for (let steps = 0; ; steps++) {
      let left = steps;
      const cut = await swept
        .sweepOf(ONE)
        .tick(W, W, undefined, () => left-- <= 0)
        .then(
          () => false,
          (error: unknown) => error instanceof TickCutShort,
        );
      if (!cut) break;
      expect(steps).toBeLessThan(20);
    }
    expect(
      await swept.rows(
        `select string_agg(concat_ws(' ', call_id, state, disposition, settled), ', ' order by call_id) as told from call`,
      ),
    ).toEqual([{ told: 'a ended answered t, s ended not_answered t, u ended not_answered t' }]);
  });

  test('is not needed for ingest to begin: what is stored is known without it, and reaches up to no instant', async () => {
    await swept.commit(arrival('m', '1', 'ringing', 0));
    const [source] = await swept.store.sources();
    if (source === undefined) throw new Error('no source');
    await swept.store.setMeaning(source, { since: EPOCH, meaning: 'per_call', serialBase: 1 });
    const facts = await swept.sweepOf(ONE).known(EPOCH + 9_000_000);
    expect([...facts.values()]).toMatchObject([{ meaning: 'per_call', through: Number.NEGATIVE_INFINITY }]);
    expect(await swept.rows('select state from call')).toEqual([{ state: 'ringing' }]);
  });

  test('of two receivers at once settles each call once', async () => {
    const ids = Array.from({ length: 200 }, (_, index) => `t-${String(index)}`);
    await swept.commit(...ids.flatMap(answered));
    const W = EPOCH + 1_000_000;
    await Promise.all([swept.sweepOf(ONE).tick(W, W), swept.sweepOf(OTHER).tick(W, W)]);
    await swept.sweepOf(ONE).tick(W, W);
    expect(await swept.rows('select settled, revision, count(*)::integer as n from call group by 1, 2')).toEqual([
      { settled: true, revision: 2, n: 200 },
    ]);
  });
});

test('which of 28,000 notifications stand for a number of a call is told in a moment, not by comparing each with all before it', async () => {
  await swept.commit(arrival('a', '1', 'ringing', 0));
  await swept.pool
    .query(`insert into notification select (jsonb_populate_record(one, jsonb_build_object('call_key', key,
      'first_at', first_at + k * interval '10 ms' + repeat * interval '3 ms', 'last_at', first_at + k * interval '10 ms' + repeat * interval '3 ms',
      'serial', k::text))).*
    from notification as one, (select k, gen_random_uuid() as key from generate_series(1, 9333) as k) as calls, generate_series(0, 2) as repeat`);
  await swept.pool.query('analyze notification');
  const startedAt = performance.now();
  const span = { after: EPOCH + 1, through: EPOCH + 1_000_000 };
  const received = await swept.store.received(SOURCE, span, { ringingMs: 300_000, laterMs: 15_000_000 }, 20_000);
  expect(performance.now() - startedAt).toBeLessThan(5_000);
  expect([received.length, received.filter(({ counts }) => counts).length]).toEqual([20_000, 6_667]);
});

test('ingest and the sweep that write the same calls at once lose neither a copy nor a row', async () => {
  const ids = Array.from({ length: 150 }, (_, index) => `race-${String(index)}`);
  await swept.commit(...ids.flatMap(answered));
  const W = EPOCH + 1_000_000;
  const copies = ids.map((id) => arrival(id, '3', 'bye', 5_000));
  await Promise.all([
    swept.commit(...copies.slice(0, 75)),
    swept.store.settle(W, W, 5_000),
    swept.commit(...copies.slice(75)),
    swept.store.settle(W, W, 5_000),
  ]);
  while ((await swept.store.settle(W, W, 5_000)) > 0);
  expect(await swept.rows('select settled, duplicate_count, count(*)::integer as n from call group by 1, 2')).toEqual([
    { settled: true, duplicate_count: 1, n: 150 },
  ]);
  expect(await swept.rows('select copies, count(*)::integer as n from notification group by 1 order by 1')).toEqual([
    { copies: 1, n: 300 },
    { copies: 2, n: 150 },
  ]);
  // The record is where the evidence says it is: a later write finds it.
  await swept.commit(...ids.map((id) => arrival(id, '3', 'bye', 8_000)));
  expect(await swept.rows('select distinct duplicate_count from call')).toEqual([{ duplicate_count: 2 }]);
});
