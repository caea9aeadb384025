/** What an operator may ask of the receiver of this process, and have it do: the receiving half as the answering one sees it. */
import { Receiving } from './api/receiving.js';
import type { Clock } from './clock.js';
import { AckProbes } from './ingest/operator/ack-probe.js';
import { Replay } from './ingest/operator/replay.js';
import type { GroupCommit } from './ingest/commit/group-commit.js';
import type { Counted } from './metrics.js';
import { horizonMs, type Settings } from './notification.js';
import type { ReceiverRow } from './query/contract.receiver.js';
import type { SourceRegistry } from './sources/registry.js';
import type { Database } from './store/database.js';
import { PgReplayStore } from './store/ledger/replay.js';
import type { RecentDatagrams } from './transport/recent.js';
import type { UdpStats } from './transport/udp.events.js';

/** What an operator can have a receiver do. */
export interface Tools {
  readonly probes: AckProbes;
  readonly replay: Replay;
}

interface ToolParts {
  readonly database: Database;
  readonly sources: SourceRegistry;
  readonly groupCommit: GroupCommit;
  readonly clock: Clock;
}

/** The tools of a receiver over its own parts. */
export function toolsOf({ database, sources, groupCommit, clock }: ToolParts, settings: Settings): Tools {
  const store = new PgReplayStore(database.client);
  return {
    probes: new AckProbes(clock, settings),
    replay: new Replay({ store, sources, groupCommit, clock, horizonMs: horizonMs(settings) }),
  };
}

/** What is asked of a receiver. */
interface Asked {
  readonly recent: RecentDatagrams;
  readonly startedAt: number;
  readonly tools: Tools;
  counts(): { readonly transport: UdpStats; readonly datagrams: readonly Counted[] };
}

/** A receiver as the answering half asks it. */
export function receivingOf(receiver: Asked): Receiving {
  const { recent, tools } = receiver;
  return new Receiving({
    recent: (after) => recent.after(after),
    receiver: () => stateOf(receiver),
    ...tools,
  });
}

function stateOf(receiver: Asked): ReceiverRow {
  const { transport, datagrams } = receiver.counts();
  const { received, answered, failed, oversized, inFlight, refused, sockets } = transport;
  return {
    startedAt: new Date(receiver.startedAt),
    ...{ received, answered, refusedAddress: refused.source, refusedStopping: refused.stopping },
    ...{ oversized, failed, inFlight },
    sockets: sockets.map(({ address, port, receiveBufferAskedBytes, receiveBufferGrantedBytes, warnings }) => ({
      ...{ address, port, receiveBufferAskedBytes, receiveBufferGrantedBytes, warnings },
    })),
    fates: datagrams,
  };
}
