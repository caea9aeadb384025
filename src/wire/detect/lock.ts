/**
 * A source's codec: learned from its first datagrams, then locked, failing closed.
 *
 * Unlocked, each datagram is detected; three in a row that agree on codec and delimiter lock them, another detection
 * starts the count anew, and one that is not detected changes nothing. Locked, a datagram is read by the lock alone,
 * and one that does not parse goes to quarantine and never switches the codec.
 *
 * The charset is locked apart, because ASCII says nothing of it: a source may lock its codec on ASCII datagrams and name
 * its first menu in Chinese a month later. Until three datagrams in a row were readable in one charset only, each is
 * read in the charset it is valid in (in the one leant to when valid in both); from then on in that one alone.
 */
import { isAscii } from 'node:buffer';
import { parse } from '../codec.js';
import { detect, sameShape } from './detect.js';
import type { Charset, CodecSettings, Parsed } from '../reading.js';

export const AGREEMENTS_TO_LOCK = 3;

/** What is known of how a source writes. Plain JSON, stored with the source; values are never changed in place. */
export interface CodecLock {
  readonly settings: CodecSettings | null;
  /** Detections in a row that agree with `settings`. */
  readonly agreed: number;
  readonly locked: boolean;
  /** Datagrams in a row that only `settings.charset` could read: 0 until one was no ASCII; 3 locks the charset. */
  readonly charsetAgreed: number;
}

export const UNLOCKED: CodecLock = { settings: null, agreed: 0, locked: false, charsetAgreed: 0 };

/** The lock an operator sets: codec, delimiter and charset, nothing left to learn. */
export function operatorLock(settings: CodecSettings): CodecLock {
  return { settings, agreed: AGREEMENTS_TO_LOCK, locked: true, charsetAgreed: AGREEMENTS_TO_LOCK };
}

/** Reads a datagram by a source's lock and gives the lock that follows: the same object when nothing was learned. */
export function readDatagram(
  bytes: Uint8Array,
  lock: CodecLock,
): { readonly parsed: Parsed; readonly lock: CodecLock } {
  if (lock.settings === null || !lock.locked) {
    return learn(bytes, lock);
  }
  if (lock.charsetAgreed >= AGREEMENTS_TO_LOCK || isAscii(bytes)) {
    return { parsed: parse(bytes, lock.settings), lock };
  }
  return readEitherCharset(bytes, lock, lock.settings);
}

function learn(bytes: Uint8Array, lock: CodecLock): { readonly parsed: Parsed; readonly lock: CodecLock } {
  const detection = detect(bytes, lock.settings?.charset);
  if (!detection.ok) {
    return { parsed: detection, lock };
  }
  const { settings, report, mirror, charsetDecisive } = detection;
  const agrees = lock.settings !== null && sameShape(settings, lock.settings);
  const agreed = agrees ? lock.agreed + 1 : 1;
  const next: CodecLock = {
    settings,
    agreed,
    locked: agreed >= AGREEMENTS_TO_LOCK,
    charsetAgreed: charsetEvidence(lock, settings.charset, charsetDecisive),
  };
  return { parsed: { ok: true, report, mirror }, lock: next };
}

function readEitherCharset(
  bytes: Uint8Array,
  lock: CodecLock,
  settings: CodecSettings,
): { readonly parsed: Parsed; readonly lock: CodecLock } {
  const other: CodecSettings = { ...settings, charset: settings.charset === 'utf-8' ? 'gb18030' : 'utf-8' };
  const leant = parse(bytes, settings);
  const turned = parse(bytes, other);
  if (leant.ok === turned.ok) {
    return { parsed: leant, lock };
  }
  const proven = leant.ok ? settings : other;
  return {
    parsed: leant.ok ? leant : turned,
    lock: { ...lock, settings: proven, charsetAgreed: charsetEvidence(lock, proven.charset, true) },
  };
}

function charsetEvidence(lock: CodecLock, charset: Charset, decisive: boolean): number {
  if (!decisive) {
    return lock.charsetAgreed;
  }
  return lock.settings?.charset === charset ? Math.min(lock.charsetAgreed + 1, AGREEMENTS_TO_LOCK) : 1;
}
