import { callKeyOf } from '../../src/lifecycle/keys.js';
import type { KeyRef } from '../../src/ingest/ports.js';
import type { Arrival, Settings, WireState } from '../../src/notification.js';

/** The sender's defaults: H is 19 s. */
export const SETTINGS: Settings = {
  retry: 6,
  intervalMs: 3_000,
  marginMs: 1_000,
  staleRingingMs: 300_000,
  staleAnsweredMs: 14_400_000,
  lossWindowMs: 300_000,
};

/** 2026-11-22 11:00 UTC: instants of tests are ms after it. */
export const EPOCH = Date.UTC(2026, 10, 22, 11);

/** One arrival, `at` ms after {@link EPOCH}. */
export function arrival(
  callId: string,
  serial: string,
  state: WireState,
  at: number,
  over: Partial<Arrival['report']> = {},
): Arrival {
  const report = {
    ...{ callId, serial, state, stateRaw: state, callerNumber: '442071234567', calleeNumber: '442079876543' },
    ...{ forwardNumber: null, menuId: '7', menuName: 'Main menu', ...over },
  };
  const payload = Buffer.from([callId, serial, state, report.callerNumber, report.calleeNumber].join(','));
  return { sourceKey: '127.0.0.1', report, stamp: { at: EPOCH + at, idleMs: 0 }, payload };
}

/** The key an arrival is stored under. */
export function keyOf({ sourceKey, report }: Arrival): KeyRef {
  return { callKey: callKeyOf(sourceKey, report.callId), sourceKey, callId: report.callId };
}
