/**
 * The rows of the gap ledger that calls declare: how one is named, opened, lost, and closed (docs/truth.md 16, 18).
 */
import type { Spoken } from '../delivery/evidence.js';
import { rank } from '../delivery/evidence.js';
import type { Gap } from '../notification.js';
import { serialNumber } from './cut.js';
import type { Missing, MissingState } from './missing.js';
import { uuidV5 } from './uuid-v5.js';

/** The call a gap belongs to. */
export interface GapOwner {
  readonly callKey: string;
  readonly sourceKey: string;
  readonly callId: string;
  /** The record's id. */
  readonly id: string;
}

const STATES: readonly MissingState[] = ['ringing', 'ok', 'bye'];

/** Named after what is missing, so that finding it twice is declaring it once, whatever else becomes known of it. */
function idOf(callKey: string, recordId: string, missing: MissingState | bigint): string {
  const name = typeof missing === 'bigint' ? ['serial', String(missing)] : ['state', missing];
  return uuidV5([recordId, ...name].join('\u0000'), callKey);
}

/** Whether a gap was declared of this record: calls that share a Call ID share its ledger key. */
export function isOfRecord(
  gap: { readonly id: string; readonly fromSerial: string | null },
  callKey: string,
  recordId: string,
): boolean {
  const names = gap.fromSerial === null ? STATES : [BigInt(gap.fromSerial)];
  return names.some((name) => idOf(callKey, recordId, name) === gap.id);
}

/**
 * A gap of one call.
 * @param through W: a gap whose deadline it has passed is lost
 */
export function gapOf(owner: GapOwner, missing: Missing, through: number, horizon: number): Gap {
  const deadlineAt = missing.openedAt + horizon;
  const lost = through > deadlineAt;
  return {
    id: idOf(owner.callKey, owner.id, missing.state ?? missing.fromSerial ?? 0n),
    sourceKey: owner.sourceKey,
    callKey: owner.callKey,
    callId: owner.callId,
    kind: missing.kind,
    certainty: missing.certainty,
    status: lost ? 'lost' : 'open',
    fromSerial: missing.fromSerial === null ? null : String(missing.fromSerial),
    toSerial: missing.toSerial === null ? null : String(missing.toSerial),
    from: missing.span.from,
    to: missing.span.to,
    openedAt: missing.openedAt,
    deadlineAt,
    closedAt: lost ? deadlineAt : null,
    estimatedLost: missing.estimatedLost,
    detail: missing.detail,
  };
}

/** The notifications of a call that are what a gap of it missed. */
function filling(gap: Gap, recordId: string, notifications: readonly Spoken[]): readonly Spoken[] {
  const { callKey, fromSerial, toSerial } = gap;
  if (callKey === null) return [];
  if (fromSerial === null || toSerial === null) {
    return notifications.filter((one) => {
      const state = STATES[rank(one.state) ?? STATES.length];
      return state !== undefined && idOf(callKey, recordId, state) === gap.id;
    });
  }
  return notifications.filter((one) => {
    const serial = serialNumber(one.serial);
    return serial !== null && serial >= BigInt(fromSerial) && serial <= BigInt(toSerial);
  });
}

/**
 * A gap that the fold no longer finds: what was missing came (`filled`), or it turned out not to be missing, because
 * the call was cut otherwise or its serials mean something else (`explained`). Of a run of serials that came in part,
 * the part below the next hole is filled; that hole is a gap of its own.
 * @param now what the fold finds of the call, or, under its id, of the one that has taken its place; null when there is neither
 * @param asOf when an explained gap is closed
 */
export function closeGap(
  gap: Gap,
  now: { readonly id: string; readonly notifications: readonly Spoken[]; readonly gaps: readonly Gap[] } | null,
  asOf: number,
): Gap {
  const came = now === null ? [] : filling(gap, now.id, now.notifications);
  if (now === null || came.length === 0) return { ...gap, status: 'explained', closedAt: asOf, estimatedLost: 0 };
  // What was received before it was missed: it lay in quarantine, and was read later.
  const closedAt = Math.max(gap.openedAt, Math.min(...came.map((one) => one.firstAt)));
  return { ...gap, toSerial: filledTo(gap, now.gaps), status: 'filled', closedAt, estimatedLost: 0 };
}

function filledTo({ fromSerial, toSerial }: Gap, found: readonly Gap[]): string | null {
  if (fromSerial === null || toSerial === null) return null;
  const within = found
    .flatMap((gap) => (gap.fromSerial === null ? [] : [BigInt(gap.fromSerial)]))
    .filter((serial) => serial > BigInt(fromSerial) && serial <= BigInt(toSerial));
  return within.length === 0 ? toSerial : String(within.reduce((a, b) => (a < b ? a : b)) - 1n);
}
