/** What a receiver notices of its own hearing, wired to its sockets and counters. */
import type { Clock } from './clock.js';
import { AckAlarm } from './ingest/feed/ack-alarm.js';
import { FeedWatch } from './ingest/feed/feed-watch.js';
import { LoopWatch } from './ingest/feed/loop-watch.js';
import { OverflowWatch } from './ingest/feed/overflow-watch.js';
import type { Log } from './log.js';
import type { Tally } from './metrics.js';
import type { Settings } from './notification.js';
import type { Database } from './store/database.js';
import { copyCounts } from './store/sweep/copies.js';
import { KernelDrops } from './transport/kernel-drops.js';
import type { UdpServer } from './transport/udp.server.js';

interface Watching {
  readonly clock: Clock;
  readonly udp: UdpServer;
  readonly tally: Tally;
  readonly heartbeatMs: number;
}

/** @param storedThrough up to when everything that was read is stored or refused */
export function feedWatch(
  { clock, udp, tally, heartbeatMs }: Watching,
  storedThrough: (now: number) => number,
): FeedWatch {
  const kernel = new KernelDrops(() => udp.stats().sockets.map(({ port }) => port));
  const overflow = new OverflowWatch({
    clock,
    durableThrough: (now) => Math.min(storedThrough(now), udp.stats().readThrough),
    kernelDrops: async () => {
      const drops = await kernel.read();
      return drops === null ? null : [...drops.values()].reduce((sum, one) => sum + one, 0);
    },
    received: () => udp.stats().received,
    counts: () => tally.lines(),
  });
  return new FeedWatch(new LoopWatch(clock, heartbeatMs), overflow);
}

/** The alarm of acks that do not do what they are for, over what is stored of copies. */
export function ackAlarm(database: Database, settings: Settings, clock: Clock, log: Log): AckAlarm {
  return new AckAlarm({
    store: { copies: (span, intervalMs, limit) => copyCounts(database.client, span, intervalMs, limit) },
    ...{ settings, clock, log },
    // A database that is away is told of by every beat; the next look asks it again.
    onFault: () => undefined,
  });
}
