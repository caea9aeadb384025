/** What the sweep on real PostgreSQL makes of a meaning of serials that somebody else set: calls are folded by it, whoever folded them before. */
import { noFacts, type SourceFacts } from '../../src/delivery/facts.js';
import { GroupCommit } from '../../src/ingest/commit/group-commit.js';
import { arrival, EPOCH, SETTINGS } from '../support/arrivals.js';
import { until } from '../support/receiver.js';
import { ONE, OTHER, SOURCE, SweptLedger } from '../support/sweeping.js';

const swept = new SweptLedger();

describe('a meaning somebody else set', () => {
  const PER_CALL = { since: EPOCH, meaning: 'per_call', serialBase: 1 } as const;

  async function outcome(): Promise<readonly unknown[]> {
    return swept.rows('select disposition, disposition_basis as basis from call');
  }

  test('folds the calls that are not settled again at the next tick, and ingest is given it before', async () => {
    await swept.commit(arrival('m', '1', 'ringing', 0), arrival('m', '2', 'bye', 1_000));
    const sweep = swept.sweepOf(ONE);
    await sweep.tick(EPOCH + 2_000, EPOCH + 2_000);
    expect(await outcome()).toEqual([{ disposition: 'unknown', basis: null }]);
    const [source] = await swept.store.sources();
    if (source === undefined) throw new Error('no source');
    await swept.store.setMeaning(source, PER_CALL);
    const told: string[] = [];
    await sweep.tick(EPOCH + 3_000, EPOCH + 3_000, (facts) => {
      told.push(facts.get(SOURCE)?.meaning ?? '');
      return Promise.resolve();
    });
    expect(told).toEqual(['per_call']);
    expect(await outcome()).toEqual([{ disposition: 'not_answered', basis: 'proven' }]);
  });

  test('folds again what ingest had folded by the old one and not yet committed', async () => {
    let facts: SourceFacts = noFacts(SOURCE, SETTINGS);
    const ingest = new GroupCommit({
      ...{
        store: swept.ledger,
        sources: { facts: () => facts, ensureStored: () => null },
        clock: { now: () => EPOCH },
      },
      ...{ batchMax: 10, queueMax: 10, flightsMax: 1 },
      onRejected: (_arrival, reason) => {
        throw reason instanceof Error ? reason : new Error(String(reason));
      },
    });
    const blocker = await swept.pool.connect();
    await blocker.query('begin; lock table call_evidence in share mode');
    const stored = ingest.submit(arrival('in-flight', '2', 'ok', 0));
    const waiting = `select from pg_locks where not granted and relation = 'call_evidence'::regclass
      and database = (select oid from pg_database where datname = current_database())`;
    await until(async () => (await swept.rows(waiting)).length > 0, 10_000);
    const [source] = await swept.store.sources();
    if (source === undefined) throw new Error('no source');
    await swept.store.setMeaning(source, PER_CALL);
    let published = false;
    const ticked = swept.sweepOf(ONE).tick(EPOCH - 1, EPOCH + 3_000, (told) => {
      facts = told.get(SOURCE) ?? facts;
      published = true;
      return ingest.landed();
    });
    await until(() => published, 10_000);
    // Time for a tick that does not wait to pass over the call.
    await Promise.race([ticked, new Promise((resolve) => setTimeout(resolve, 500))]);
    await blocker.query('commit');
    blocker.release();
    await Promise.all([stored, ticked]);
    expect(await swept.rows("select from_serial::integer, to_serial::integer from gap where kind = 'serial'")).toEqual([
      { from_serial: 1, to_serial: 1 },
    ]);
  });

  test('is folded by at the first tick of a receiver that starts after the one that set it was killed', async () => {
    await swept.commit(arrival('m', '1', 'ringing', 0), arrival('m', '2', 'bye', 1_000));
    const [source] = await swept.store.sources();
    if (source === undefined) throw new Error('no source');
    await swept.store.setMeaning(source, PER_CALL);
    await swept.sweepOf(OTHER).tick(EPOCH + 3_000, EPOCH + 3_000);
    expect(await outcome()).toEqual([{ disposition: 'not_answered', basis: 'proven' }]);
  });

  test('is the first one: what a killed receiver owed to settled calls is folded by the next, and then no more', async () => {
    await swept.commit(arrival('m', '1', 'ringing', 0), arrival('m', '2', 'bye', 1_000));
    const W = EPOCH + 1_000_000;
    const settling = swept.sweepOf(ONE);
    // The loss window is looked at once W is there: the call settles as it is.
    await settling.tick(W, W);
    await swept.pool.query("update call set disposition = 'unknown', disposition_basis = null, settled = true");
    const [source] = await swept.store.sources();
    if (source === undefined) throw new Error('no source');
    await swept.store.setMeaning(source, PER_CALL);
    expect((await swept.store.sources())[0]).toMatchObject({ meaningVersion: 1, foldedVersion: 0 });
    await swept.sweepOf(OTHER).tick(W + 1_000, W + 1_000);
    expect(await outcome()).toEqual([{ disposition: 'not_answered', basis: 'proven' }]);
    expect((await swept.store.sources())[0]).toMatchObject({ meaningVersion: 1, foldedVersion: 1 });
    const before = await swept.rows('select revision from call');
    await swept.sweepOf('00000000-0000-4000-8000-000000000003').tick(W + 2_000, W + 2_000);
    expect(await swept.rows('select revision from call')).toEqual(before);
  });
});
