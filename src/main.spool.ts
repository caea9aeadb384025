/** What stands by for the database, wired: the spool, the circuit, the drain, and what tells of them. */
import type { Clock } from './clock.js';
import type { Config } from './config.js';
import { overflowGaps } from './ingest/feed/span-gaps.js';
import type { GroupCommit } from './ingest/commit/group-commit.js';
import type { Quarantine } from './ingest/quarantine.js';
import { CIRCUIT_STATES } from './ingest/spool/circuit/circuit.js';
import { lastBeats, writeFact } from './ingest/spool/feed-store.js';
import { Spool } from './ingest/spool/spool.js';
import { type SpoolState, Standby } from './ingest/spool/standby.js';
import { outageGap } from './ingest/sweep/sweep.gaps.js';
import type { SweepStore } from './ingest/sweep/sweep.ports.js';
import type { Log } from './log.js';
import type { Readings } from './metrics/readings.js';
import type { Tally } from './metrics.js';
import type { Settings } from './notification.js';
import type { SourceRegistry } from './sources/registry.js';
import type { Database } from './store/database.js';
import { buryReceiver, leaveReceiver, touchReceiver } from './store/sweep/receivers.js';
import { OnceAMinute } from './transport/once-a-minute.js';

interface Around {
  readonly clock: Clock;
  readonly log: Log;
  readonly tally: Tally;
  readonly sources: SourceRegistry;
}

/**
 * Opens the spool; the sources of what was left in it are known from then on.
 * @throws Error with a sentence for the operator when its folder cannot be used
 */
export async function openStandby(config: Config, { clock, log, tally, sources }: Around): Promise<Standby> {
  const lines = new OnceAMinute();
  const onFault = (text: string): void => {
    // A disk that is full fails every batch: a line a minute says it as well.
    if (lines.due(text, clock.now()) !== null) log.error(text, 'Spool');
  };
  const spool = await Spool.open({
    ...{
      root: config.spoolDir,
      bytesMax: config.spoolBytesMax,
      freeBytesMin: config.spoolFreeBytesMin,
      clock,
      onFault,
    },
    sourceOf: (key) => sources.rowOf(key),
  });
  sources.adopt(spool.left.sources);
  const onMove = (text: string, isAway: boolean): void => {
    log[isAway ? 'warn' : 'log'](text, 'Spool');
  };
  return new Standby({ spool, clock, afterMs: config.spoolAfterMs, tally, onMove, onFault });
}

/** Says until when the receivers served whose spool was found, before the first beat looks for an outage. */
export async function buryFormer(standby: Standby, { client }: Pick<Database, 'client'>): Promise<void> {
  for (const { receiverId, at } of lastBeats(standby.left().beats)) await buryReceiver(client, receiverId, at);
}

/** A receiver that stops. */
export interface Leaving {
  readonly id: string;
  readonly database: Pick<Database, 'client'>;
  readonly sweepStore: Pick<SweepStore, 'stopped'>;
  readonly clock: Clock;
}

/**
 * The last word of a receiver. That it stopped says that all is durable, and W passes its time at once: while something acked is in the
 * spool it only ceases to beat. W waits 10 s for it then, and the beat that it leaves in the spool lets the next start bury it.
 * @param servedUntil when it stopped reading; null: it never listened, so nothing in the spool is its own
 */
export async function lastWord(standby: Standby, leaving: Leaving, servedUntil: number | null): Promise<void> {
  const { id, database, sweepStore, clock } = leaving;
  await standby.rest();
  const now = clock.now();
  if (servedUntil !== null && standby.durableThrough(now + 1) <= now) {
    await standby.keepBeat({ receiverId: id, at: servedUntil });
    if (!standby.isAway()) await leaveReceiver(database.client, id, servedUntil);
    // A database that is away was told by the last beat, in the spool.
  } else if (!standby.isAway()) await sweepStore.stopped(id, now, servedUntil);
}

/** What draining takes. */
export interface Draining {
  readonly id: string;
  readonly settings: Settings;
  readonly database: Database;
  readonly sweepStore: SweepStore;
  readonly groupCommit: GroupCommit;
  readonly quarantine: Quarantine;
  readonly sources: SourceRegistry;
}

/** Begins to drain, once the first beat is given. */
export function startStandby(standby: Standby, draining: Draining): void {
  const { id, settings, database, sweepStore, groupCommit, quarantine, sources } = draining;
  standby.start({
    commit: (arrivals) => groupCommit.drain(arrivals),
    quarantine: async ({ sourceKey, stamp, payload }) => {
      const detail = 'PostgreSQL refused the values of this notification; it was acknowledged from the spool.';
      const address = sources.rowOf(sourceKey).addresses[0] ?? '';
      const unstorable = { receivedAt: stamp.at, sourceKey, address, reason: 'rejected', detail, bytes: payload };
      return (await quarantine.keep(unstorable)) === 'quarantined';
    },
    onFact: (fact) =>
      writeFact(sweepStore, fact, {
        outage: (source, outage) => outageGap(source, outage, settings),
        overflow: (known) => overflowGaps(known, settings),
      }),
    probe: () => touchReceiver(database.client, id),
    hasOverdue: () => groupCommit.hasOverdue(),
  });
}

/** What is wrong, in sentences for an operator. */
export function spoolProblems({ circuit, depth, oldestAgeMs }: SpoolState): readonly string[] {
  const oldest = oldestAgeMs === null ? '' : `, the oldest ${String(Math.round(oldestAgeMs / 1000))} s old`;
  const held = `${String(depth)} acknowledged notifications are in the spool${oldest}`;
  if (circuit === 'open') return [`PostgreSQL takes nothing: notifications are acknowledged from the spool. ${held}.`];
  if (depth === 0) return [];
  return [`${held}, and being stored: until then answers lack them.`];
}

/** Says where the numbers of the spool are read. */
export function readSpool(readings: Readings, state: () => SpoolState): void {
  readings.read('ringledger_spool_datagrams', () => state().depth);
  readings.read('ringledger_spool_bytes', () => state().bytes);
  readings.read('ringledger_spool_limit_bytes', () => state().bytesMax);
  readings.read('ringledger_spool_oldest_age_seconds', () => (state().oldestAgeMs ?? 0) / 1000);
  readings.read('ringledger_circuit_state', () =>
    CIRCUIT_STATES.map((one) => ({ labels: { state: one }, value: Number(state().circuit === one) })),
  );
}
