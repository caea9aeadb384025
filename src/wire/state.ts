/**
 * The spellings of Call State: the request's words, SIP codes with or without their phrase, and the vendor's ints
 * (docs/wire.md, "What is accepted": the list of its HTTP reports). Case, blanks and punctuation do not count.
 */
import type { WireState } from '../notification.js';

type KnownState = 'ringing' | '180' | '183' | 'ok' | 'bye';

/** The vendor's ints and what they stand for; null: the second leg does not ring yet, so no lifecycle moves (`early:<raw>`). */
const VENDOR_STATES: readonly (readonly [code: string, word: string, state: KnownState | null])[] = [
  ['-1', 'Setup', null],
  ['-2', 'CallProceeding', null],
  ['-3', 'CallProceeding(RTP)', null],
  // H.323's Progress is what SIP calls 183 Session Progress: tones or media before the answer.
  ['-4', 'Progress', '183'],
  ['-5', 'Alerting', 'ringing'],
  ['-6', 'Connect', 'ok'],
  ['-7', 'Invite', null],
  ['-8', 'Trying', null],
  ['-9', 'SessionProgress', '183'],
  ['-10', 'SessionProgress(SDP)', '183'],
  ['-11', 'Ringing', 'ringing'],
  ['-12', 'Ok', 'ok'],
  ['-13', 'Release', 'bye'],
  ['-18', 'not yet sent to the callee', null],
];

const SIP_STATES: readonly (readonly [code: string, phrase: string, state: KnownState | null])[] = [
  ['100', 'Trying', null],
  ['180', 'Ringing', '180'],
  ['183', 'Session Progress', '183'],
  ['183', 'Ringing', '183'],
  ['180/183', 'Ringing', 'ringing'],
  ['200', 'OK', 'ok'],
];

const SPELLINGS = spellings();

/**
 * What a Call State means on the wire. Known to come before any ringing it is `early:<raw>`, known to nobody `other:<raw>`:
 * both are stored and move no lifecycle, but only the latter may have been the OK.
 */
export function wireState(raw: string): WireState {
  const known = lookUp(raw);
  return known ?? (known === null ? `early:${raw}` : `other:${raw}`);
}

/** Whether a Call State is one of the spellings known, the early ones that move nothing included. */
export function isKnownState(raw: string): boolean {
  return lookUp(raw) !== undefined;
}

function lookUp(raw: string): KnownState | null | undefined {
  const exact = SPELLINGS.get(raw);
  return exact === undefined ? SPELLINGS.get(normal(raw)) : exact;
}

function spellings(): ReadonlyMap<string, KnownState | null> {
  const known = new Map<string, KnownState | null>();
  for (const [code, word, state] of [...VENDOR_STATES, ...SIP_STATES]) {
    known.set(normal(`${code} ${word}`), state);
    known.set(normal(`${word} ${code}`), state);
    known.set(normal(code), state);
  }
  for (const [, word, state] of VENDOR_STATES) {
    known.set(normal(word), state);
  }
  known.set('bye', 'bye');
  // The spellings of the request's own description, so that the common case is one look-up.
  for (const word of ['Ringing', 'RINGING', 'OK', 'Ok', 'Bye', 'BYE']) {
    known.set(word, known.get(normal(word)) ?? null);
  }
  return known;
}

/** Lower case without blanks and punctuation; a minus sign in front of a digit at the very start is kept. */
function normal(raw: string): string {
  const text = raw.trim().toLowerCase();
  const bare = text.replace(/[\s\p{P}]+/gu, '');
  return /^-\d/.test(text) ? `-${bare}` : bare;
}
