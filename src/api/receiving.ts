/** What the edges ask of the receiver that runs in this process: only it knows, and only it can do. */
import type { Access } from '../access/access.js';
import type { Replay } from '../ingest/operator/replay.js';
import type { AckProbes } from '../ingest/operator/ack-probe.js';
import type { DatagramRow, ReceiverRow } from '../query/contract.receiver.js';
import { DATAGRAMS_QUERY } from '../query/contract.receiver.js';
import { readAdmitted } from '../query/admission.js';
import type { Raw } from './reading.js';

/** One datagram as the receiver keeps it; times in ms since the epoch. */
export interface ArrivedDatagram {
  readonly id: number;
  readonly at: number;
  readonly address: string;
  readonly port: number;
  readonly local: { readonly address: string; readonly port: number };
  readonly source: string | null;
  readonly fate: string | null;
  readonly reason: string;
  readonly bytes: Uint8Array;
  readonly length: number;
  readonly ack: Uint8Array | null;
  readonly ackedAt: number | null;
}

export interface ReceivingOptions {
  /** What arrived after the datagram with this id, oldest first. */
  readonly recent: (after: number) => {
    readonly datagrams: readonly ArrivedDatagram[];
    readonly overwritten: number;
    readonly lastId: number;
  };
  readonly receiver: () => ReceiverRow;
  readonly replay: Pick<Replay, 'run'>;
  readonly probes: Pick<AckProbes, 'start' | 'stop' | 'report'>;
}

/** A page of what arrived lately. */
export interface DatagramPage {
  readonly data: readonly DatagramRow[];
  /** What to ask for the next time; nothing that arrives in between is passed over. */
  readonly nextAfter: string;
  /** Datagrams after `after` that have been overwritten by later ones already. */
  readonly overwritten: number;
}

export class Receiving {
  readonly replay: ReceivingOptions['replay'];
  readonly probes: ReceivingOptions['probes'];

  constructor(private readonly options: ReceivingOptions) {
    this.replay = options.replay;
    this.probes = options.probes;
  }

  /** @throws Forbidden */
  receiver(access: Access): ReceiverRow {
    access.demandEverySource('What a receiver counts');
    return this.options.receiver();
  }

  /** Bytes are clear numbers. @throws BadParameters */
  datagrams(raw: Raw, access: Access): DatagramPage {
    const { after, limit, source, fate } = readAdmitted(access, DATAGRAMS_QUERY, raw);
    const { datagrams, overwritten, lastId } = this.options.recent(after ?? 0);
    const wanted = datagrams
      .filter((one) => access.sees(one.source))
      .filter(
        (one) => source === undefined || source.includes(one.source ?? one.address) || source.includes(one.address),
      )
      .filter((one) => fate === undefined || fate.includes(one.fate ?? ''));
    const shown = after === undefined ? wanted.slice(-limit) : wanted.slice(0, limit);
    const next = after !== undefined && shown.length < wanted.length ? (shown.at(-1)?.id ?? lastId) : lastId;
    // Whoever asks for the first time has missed nothing that he could have seen.
    return {
      data: shown.map((one) => rowOf(one, access)),
      nextAfter: String(next),
      overwritten: after === undefined ? 0 : overwritten,
    };
  }
}

function rowOf(one: ArrivedDatagram, access: Access): DatagramRow {
  const clear = access.can('numbers:clear');
  return {
    id: String(one.id),
    receivedAt: new Date(one.at),
    ...{ address: one.address, port: one.port, localAddress: one.local.address, localPort: one.local.port },
    ...{ source: one.source, fate: one.fate, reason: one.reason === '' ? null : one.reason },
    bytesBase64: clear ? base64(one.bytes) : null,
    length: one.length,
    ackBase64: one.ack === null || !clear ? null : base64(one.ack),
    ackedAt: one.ackedAt === null ? null : new Date(one.ackedAt),
  };
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
}
