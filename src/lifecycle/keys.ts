/** The keys everything received is stored under. */
import { uuidV5 } from './uuid-v5.js';

/** Name space of call keys; fixed for ever, or every id would change. */
const CALL_KEY_SPACE = '6f0f2d1e-5d8c-5c0a-9a57-3d1b1f0f7c21';

/** uuid(source, callId): what a Call ID of a source is stored under (docs/truth.md 7). */
export function callKeyOf(sourceKey: string, callId: string): string {
  return uuidV5(`${sourceKey}\u0000${callId}`, CALL_KEY_SPACE);
}

/** What gaps of a source, rather than of a call, are stored under. */
export function sourceLedgerKey(sourceKey: string): string {
  return uuidV5(`source\u0000${sourceKey}`, CALL_KEY_SPACE);
}
