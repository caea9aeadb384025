/** The receiving half: the adapters wired to the ports, and the UDP handlers over them. Loads nothing of HTTP. */
import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { type DynamicModule, type INestMicroservice, Logger, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { Clock } from './clock.js';
import type { Config } from './config.js';
import { GroupCommit } from './ingest/commit/group-commit.js';
import { measured } from './ingest/commit/measured.js';
import { AckProbes } from './ingest/operator/ack-probe.js';
import { Pulse } from './ingest/sweep/pulse.js';
import { Quarantine } from './ingest/quarantine.js';
import { ReportController } from './ingest/report.controller.js';
import { SpooledFeedStore } from './ingest/spool/feed-store.js';
import type { SpoolState, Standby } from './ingest/spool/standby.js';
import { Sweep } from './ingest/sweep/sweep.js';
import type { TwinListener, TwinStats } from './ingest/twin/listener.js';
import type { Log } from './log.js';
import { rollupsOf } from './main.bi.js';
import { ackAlarm, feedWatch } from './main.feed.js';
import { type Metering, meteringOf, watchAcks } from './main.meter.js';
import { type Tools, toolsOf } from './main.operator.js';
import { buryFormer, lastWord, openStandby, spoolProblems, startStandby } from './main.spool.js';
import { twinListener } from './main.twin.js';
import { numbersOf } from './main.numbers.js';
import { quarantineOf } from './main.quarantine.js';
import { tellChange } from './main.settings.js';
import { undone, undoneAfterFault } from './main.undo.js';
import { udpServer } from './main.udp.js';
import { type Counted, Tally } from './metrics.js';
import type { Settings } from './notification.js';
import { SourceRegistry } from './sources/registry.js';
import type { Database } from './store/database.js';
import type { RollupKeeper } from './store/bi/keeper.js';
import { PgLedgerStore } from './store/ledger/ledger.js';
import type { NumberKeeper } from './store/sources/number-forms.js';
import { keepPartitions, type PartitionKeeper } from './store/upkeep/partition-keeper.js';
import { nameReceiver } from './store/sweep/receivers.js';
import { declareSettings } from './store/settings.js';
import { PgSourceStore } from './store/sources/sources.js';
import { turnBack } from './store/sweep/step-back.js';
import { PgSweepStore } from './store/sweep/sweep.js';
import { OnceAMinute } from './transport/once-a-minute.js';
import { RecentDatagrams } from './transport/recent.js';
import type { UdpStats } from './transport/udp.events.js';
import type { UdpServer } from './transport/udp.server.js';

/** Batches that commit side by side: see docs/benchmarks.md. */
const FLIGHTS_MAX = 2;

/** What became of every datagram and post so far (law 3). */
export interface Counts {
  readonly transport: UdpStats;
  /** Posts over HTTP; null where none are taken. */
  readonly posts: TwinStats | null;
  /** By source; those that post begin with `http:`. */
  readonly datagrams: readonly Counted[];
  readonly inFlight: number;
  /** Notifications an earlier process left in the spool: received by it, and counted here. */
  readonly recovered: number;
}

/** What takes reports in, running. */
export interface Receiver {
  readonly sockets: UdpStats['sockets'];
  counts(): Counts;
  /** How the spool does, and acked notifications of each source that wait in it. */
  spool(): SpoolState;
  spooled(): ReadonlyMap<string, number>;
  /** What arrived lately, since when it listens, and what an operator can have it do. */
  readonly recent: RecentDatagrams;
  readonly startedAt: number;
  readonly tools: Tools;
  /** Follows what an operator decided of a source; otherwise the next pulse does. */
  followSources(): Promise<void>;
  /** The metrics of this half, for the other to add its own and to show. */
  readonly metering: Metering;
  /** What is wrong with our acks, in sentences; empty when nothing is. */
  problems(): readonly string[];
  /** Stops reading; resolves when everything received is stored and its acks have left. */
  drain(): Promise<void>;
  /** Drains, gives the last beat and frees the sockets; the database stays open. */
  stop(): Promise<void>;
}

/** The parts of a receiver, wired. */
interface Wired {
  readonly id: string;
  readonly settings: Settings;
  readonly sources: SourceRegistry;
  readonly standby: Standby;
  readonly clock: Clock;
  readonly database: Database;
  readonly sweepStore: PgSweepStore;
  readonly groupCommit: GroupCommit;
  readonly quarantine: Quarantine;
  readonly tally: Tally;
  readonly metering: Metering;
  readonly pulse: Pulse;
  readonly udp: UdpServer;
  /** Null where no posts are taken. */
  readonly twin: TwinListener | null;
  readonly recent: RecentDatagrams;
  readonly tools: Tools;
  readonly partitions: PartitionKeeper;
  readonly rollups: RollupKeeper;
  readonly numbers: NumberKeeper;
  /** When it stopped reading; null while it reads. */
  servedUntil: number | null;
}

@Module({})
class ReceiverModule {
  static over({ groupCommit, quarantine, tally, tools }: Wired): DynamicModule {
    return {
      module: ReceiverModule,
      controllers: [ReportController],
      providers: [
        { provide: GroupCommit, useValue: groupCommit },
        { provide: Quarantine, useValue: quarantine },
        { provide: Tally, useValue: tally },
        { provide: AckProbes, useValue: tools.probes },
      ],
    };
  }
}

/**
 * Wires a receiver, gives its first beat and opens its sockets; undoes what it did when that fails.
 * @throws Error with a sentence for the operator when a port is taken or the allow-list is wrong
 */
export async function openReceiver(config: Config, database: Database, clock: Clock, log: Log): Promise<Receiver> {
  const wired = await wire(config, database, clock, log);
  const { id, udp, twin, pulse, groupCommit, quarantine, tally, standby } = wired;
  const ackWatch = watchAcks(config, wired, log);
  const alarm = ackAlarm(database, wired.settings, clock, log);
  const app = await NestFactory.createMicroservice(ReceiverModule.over(wired), {
    ...{ strategy: udp, logger: log, abortOnError: false },
  });
  try {
    await buryFormer(standby, database);
    await pulse.start();
    startStandby(standby, wired);
    await nameReceiver(database.client, id, `${hostname()}:${String(process.pid)}`);
    const openedAt = clock.now();
    await app.listen();
    await pulse.run(openedAt);
    await twin?.listen();
    ackWatch.start();
    alarm.start();
  } catch (error) {
    await undoneAfterFault([() => shut(app, wired)], untold);
    throw error;
  }
  const drain = async (): Promise<void> => {
    wired.servedUntil ??= clock.now();
    udp.pause();
    twin?.pause();
    await groupCommit.close();
    await quarantine.flush();
    await udp.drain();
    await twin?.drain();
  };
  const { recent, tools, metering } = wired;
  return {
    ...{ sockets: udp.stats().sockets, startedAt: clock.now(), recent, tools, metering },
    problems: () => [...ackWatch.problems(), ...alarm.problems(), ...spoolProblems(standby.state())],
    counts: () => {
      const { queued, inFlight } = groupCommit.depth();
      const { depth, recovered } = standby.state();
      const open = queued + inFlight + quarantine.depth() + depth;
      const posts = twin?.stats() ?? null;
      return { transport: udp.stats(), posts, datagrams: tally.lines(), inFlight: open, recovered };
    },
    spool: () => standby.state(),
    spooled: () => standby.waiting(),
    followSources: () => wired.sources.load(),
    drain,
    stop: () => {
      const unwatched = (): Promise<void> => {
        ackWatch.stop();
        return alarm.stop();
      };
      return undone([() => shut(app, wired), unwatched, drain], untold);
    },
  };
}

function tellStepBack(aheadMs: number | null, log: Log): void {
  if (aheadMs === null) return;
  log.warn(
    `The machine's clock stands ${String(Math.round(aheadMs / 1000))} s before the ledger's last sign of life: it was set back. ` +
      'New calls carry the time it shows now; a call that was under way may be two records.',
    'Ringledger',
  );
}

async function wire(config: Config, database: Database, clock: Clock, log: Log): Promise<Wired> {
  const settings = settingsOf(config);
  const { heartbeatIntervalMs: everyMs } = config;
  const prisma = database.client;
  tellStepBack(await turnBack(prisma, clock.now()), log);
  tellChange(await declareSettings(prisma, settings, clock.now()), settings, log);
  const sources = new SourceRegistry(new PgSourceStore(prisma), settings, clock, (sentence) =>
    log.log(sentence, 'Sources'),
  );
  await sources.load();
  const tally = new Tally();
  const standby = await openStandby(config, { clock, log, tally, sources });
  const ledger = new PgLedgerStore(prisma, clock);
  const metering = meteringOf(config);
  const { meter } = metering;
  const groupCommit = new GroupCommit({
    store: measured(ledger, meter.committed.bind(meter)),
    ...{ sources, clock, flightsMax: FLIGHTS_MAX, fallback: standby },
    ...{ batchMax: config.ingestBatchMax, queueMax: config.ingestQueueMax },
    onRejected: (_arrival, reason) => {
      log.error(`A notification was rejected and goes to quarantine: ${String(reason)}`, 'Ingest');
    },
  });
  const quarantine = quarantineOf(config, { database, sources, meter, clock, log });
  const id = randomUUID();
  const sweepStore = new PgSweepStore(prisma);
  const lines = new OnceAMinute();
  const recent = new RecentDatagrams(clock.now());
  const udp = udpServer(config, clock, sources, { recent, meter });
  const pulse = new Pulse({
    sweep: new Sweep(sweepStore, ledger, {
      ...{ receiverId: id, settings, heartbeatMs: everyMs, feed: new SpooledFeedStore(sweepStore, standby) },
    }),
    ...{ sources, clock, everyMs, isAway: () => standby.isAway(), landed: () => groupCommit.landed() },
    watch: feedWatch({ clock, udp, tally, heartbeatMs: everyMs }, (now) =>
      Math.min(...[groupCommit, quarantine, standby].map((keeper) => keeper.durableThrough(now))),
    ),
    onFault: (error) => {
      const text = `The sweep could not finish and goes on at the next beat: ${oneLine(error)}`;
      // A database that is away fails every beat: a line a minute says it as well as four a second.
      if (lines.due(text, clock.now()) !== null) log.error(text, 'Sweep');
    },
  });
  const twin = twinListener(config, { groupCommit, quarantine, sources, tally, clock }, log);
  // Last, since it goes on by itself and nothing after it can fail.
  const partitions = await keepPartitions(prisma, clock, config.retentionDays, (work, error) => {
    log.warn(`Not kept, and tried again in an hour: ${work}. ${oneLine(error)}`, 'Store');
  });
  return {
    id,
    settings,
    sources,
    standby,
    clock,
    database,
    sweepStore,
    groupCommit,
    quarantine,
    tally,
    metering,
    pulse,
    udp,
    twin,
    recent,
    tools: toolsOf({ database, sources, groupCommit, clock }, settings),
    partitions,
    ...{ rollups: rollupsOf(database, standby, clock, log), numbers: numbersOf(database, standby, clock, log) },
    servedUntil: null,
  };
}

/** Prisma's messages have a blank line in every second place. */
function oneLine(error: unknown): string {
  return String(error)
    .split(/\s*\n\s*/)
    .join(' ');
}

/** The last word may say that all is durable; a database that is away must not keep the sockets open. */
async function shut(app: INestMicroservice, wired: Wired): Promise<void> {
  const { clock, pulse, partitions, rollups, numbers, servedUntil, standby } = wired;
  partitions.stop();
  const rested = Promise.all([rollups.stop(), numbers.stop()]);
  try {
    const ran = await pulse.stop();
    await lastWord(standby, wired, ran ? (servedUntil ?? clock.now()) : null);
  } catch (error) {
    Logger.warn(`The last beat was not written: ${oneLine(error)}`, 'Sweep');
  }
  await undone([() => app.close(), async () => wired.twin?.close(), () => standby.stop(), () => rested], untold);
}

function untold(fault: unknown): void {
  Logger.error(`The receiver was not stopped as it should be: ${oneLine(fault)}`, 'Ringledger');
}

/** What every receiver on one database has to agree on. */
export function settingsOf(config: Config): Settings {
  const { retry, intervalMs, marginMs, staleRingingMs, staleAnsweredMs, lossWindowMs } = config;
  return { retry, intervalMs, marginMs, staleRingingMs, staleAnsweredMs, lossWindowMs };
}
