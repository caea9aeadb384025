/** What `ringledger simulate` runs, with what the command line would give it, against a receiver of a test. */
import type { Running } from '../../src/main.js';
import type { SimulateOptions } from '../../src/simulator/simulate.js';
import { portOf } from './receiver.js';

/**
 * H is 7 s, 4 s of them margin: a machine that runs everything at once may be that late, and a copy that comes later than
 * H is another call's. Calls and limits are as much shorter than an IVR's as the interval.
 */
export const QUICK = {
  ...{ IVR_CALL_REPORT_RETRY_INTERVAL: '0.5', RETRY_MARGIN_MS: '4000', UDP_ALLOWED_SOURCES: '127.0.0.0/8' },
  ...{ STALE_RINGING_S: '10', STALE_ANSWERED_S: '15', LOSS_WINDOW_S: '5', HEARTBEAT_INTERVAL_MS: '500' },
};

/**
 * 120 calls in 12 s, as the receiver's settings have them; `options` are what a test varies. A dozen runs at once send 400
 * datagrams a second: a socket of default size holds half a second of them, and what it drops is lost.
 */
export function simulation(receiver: Running, options: Partial<SimulateOptions> = {}): SimulateOptions {
  return {
    ...{ targets: [{ host: '127.0.0.1', port: portOf(receiver) }], api: receiver.http, seed: 'a seed' },
    ...{ retry: null, intervalMs: null, ringMsMean: 10_000, holdMsMean: 30_000, scale: true, calls: 120, rate: 10 },
    ...{ answerRatio: 0.6, directOk: 0.02, failedWithBye: 0, failedWithoutBye: 0, codes: 'mix', serial: 'per_call' },
    ...{ sources: 1, sourceAddress: null, callIdPrefix: null, restartCallIds: null, ackMatch: 'state' },
    format: { codec: 'delimited', delimiter: ',', charset: 'utf-8' },
    ...{ lossIn: 0, lossBack: 0, duplicate: 0, reorder: 0, pauseAtMs: null, pauseForMs: null },
    ...{ downMs: null, waitMs: null, toleranceMs: 5 },
    ...options,
  };
}
