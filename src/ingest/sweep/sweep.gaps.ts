/**
 * How what the sweep finds missing of a source reads as rows of the gap ledger (docs/truth.md 16, 17). Ids are made from
 * what the gap is about, so that declaring it twice is declaring it once.
 */
import { v5 as uuidv5 } from 'uuid';
import type { HoleEvent } from '../../delivery/book.js';
import type { Outage, Span } from '../../delivery/facts.js';
import { sourceLedgerKey } from '../../lifecycle/keys.js';
import { horizonMs, type Gap, type GapStatus, type Settings } from '../../notification.js';

/** A gap of a source that no serial shows. */
export const NO_CALL = { callKey: null, callId: null } as const;

/** The id of a source's gap, made from what it is about. */
export function sourceGapId(sourceKey: string, ...name: readonly string[]): string {
  return uuidv5(name.join('\u0000'), sourceLedgerKey(sourceKey));
}

const STATUS: Record<HoleEvent['kind'], GapStatus> = { opened: 'open', filled: 'filled', lost: 'lost', tail: 'open' };

/** A run of a source's serials. A jump longer than `mostInARow` is the counter's, more likely than so many lost. */
export function serialGap(sourceKey: string, event: HoleEvent, horizon: number, mostInARow: bigint): Gap {
  const status = STATUS[event.kind];
  const count = event.to === null ? null : BigInt(event.to) - BigInt(event.from) + 1n;
  const certain = count !== null && count <= mostInARow;
  const detail =
    event.kind === 'tail'
      ? `serials began anew; what followed ${String(BigInt(event.from) - 1n)} before that is not known`
      : certain
        ? `${String(count)} serial(s) of this source not received`
        : `serials jumped by ${String(count)}`;
  return {
    id: sourceGapId(sourceKey, event.kind === 'tail' ? 'tail' : 'serial', String(event.epoch), event.from),
    sourceKey,
    ...NO_CALL,
    kind: 'serial',
    certainty: certain ? 'certain' : 'possible',
    status,
    fromSerial: event.from,
    toSerial: event.to,
    from: event.sentFrom,
    to: event.sentTo,
    openedAt: event.openedAt,
    deadlineAt: event.openedAt + horizon,
    closedAt: status === 'open' ? null : event.at,
    estimatedLost: status === 'filled' ? 0 : certain ? Number(count) : null,
    detail,
  };
}

/**
 * A span in which no receiver served. Longer than H it loses for certain what was first sent in its first part; a
 * shorter one loses nothing that the network does not lose too. Where the receive loop stood still, the kernel may have
 * kept what came, so nothing is certain.
 */
export function outageGap(sourceKey: string, span: Outage, settings: Settings): Gap {
  const { stoodStill } = span;
  const horizon = horizonMs(settings);
  const lengthMs = span.to - span.from;
  const certain = lengthMs > horizon && !stoodStill;
  return {
    id: sourceGapId(sourceKey, 'outage', String(span.from)),
    sourceKey,
    ...NO_CALL,
    kind: 'outage',
    certainty: certain ? 'certain' : 'possible',
    status: 'open',
    fromSerial: null,
    toSerial: null,
    from: span.from,
    to: span.to,
    openedAt: span.to,
    deadlineAt: span.to + horizon,
    closedAt: null,
    estimatedLost: null,
    detail: stoodStill
      ? `the receive loop stood still for ${String(lengthMs)} ms; what came meanwhile waited in the kernel, if it was not lost`
      : certain
        ? `nobody listened for ${String(lengthMs)} ms; what was first sent in the first ${String(lengthMs - horizon)} ms was given up`
        : `nobody listened for ${String(lengthMs)} ms, less than the sender keeps trying`,
  };
}

/** Datagrams of a source that could not be read: each may have been a notification. */
export function quarantineGap(sourceKey: string, span: Span, count: number, horizon: number): Gap {
  return {
    id: sourceGapId(sourceKey, 'quarantine', String(span.from)),
    sourceKey,
    ...NO_CALL,
    kind: 'quarantine',
    certainty: 'possible',
    status: 'open',
    fromSerial: null,
    toSerial: null,
    from: span.from,
    to: span.to,
    openedAt: span.from,
    deadlineAt: span.to + horizon,
    closedAt: null,
    estimatedLost: count,
    detail: `${String(count)} datagram(s) could not be read and are in quarantine`,
  };
}
