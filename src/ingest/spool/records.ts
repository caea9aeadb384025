/** What a spool holds: arrivals, the sources they are of, beats and feed facts; each as the body of a frame. */
import type { Arrival } from '../../notification.js';
import type { NewSource } from '../../sources/ports.js';

/** A sign of life of a receiver while the database was away. */
export interface SpooledBeat {
  readonly receiverId: string;
  /** ms since the epoch */
  readonly at: number;
}

/** Something else that belongs into the database: `name` says what, and `value` is JSON. */
export interface SpooledFact {
  readonly name: string;
  readonly value: unknown;
  /** W must not pass it before the database knows of this, ms since the epoch. Null in what an earlier version left. */
  readonly from: number | null;
}

export type SpoolRecord =
  | { readonly kind: 'arrival'; readonly arrival: Arrival }
  | { readonly kind: 'source'; readonly source: NewSource }
  | { readonly kind: 'beat'; readonly beat: SpooledBeat }
  | { readonly kind: 'fact'; readonly fact: SpooledFact };

const KIND = { arrival: 1, source: 2, beat: 3, fact: 4 } as const;

/** kind (1), received at (8), length of the source key (2), source key, length of the JSON (4), JSON, datagram. */
const ARRIVAL_FIXED_BYTES = 15;
const KEY_AT = 11;

export function encodeArrival(arrival: Arrival): Buffer {
  const { payload, sourceKey, ...rest } = arrival;
  const json = JSON.stringify(rest);
  const keyBytes = Buffer.byteLength(sourceKey);
  const jsonBytes = Buffer.byteLength(json);
  const body = Buffer.allocUnsafe(ARRIVAL_FIXED_BYTES + keyBytes + jsonBytes + payload.length);
  body.writeUInt8(KIND.arrival, 0);
  body.writeDoubleLE(arrival.stamp.at, 1);
  body.writeUInt16LE(keyBytes, 9);
  body.write(sourceKey, KEY_AT);
  body.writeUInt32LE(jsonBytes, KEY_AT + keyBytes);
  body.write(json, ARRIVAL_FIXED_BYTES + keyBytes);
  body.set(payload, ARRIVAL_FIXED_BYTES + keyBytes + jsonBytes);
  return body;
}

export function encodeSource(source: NewSource): Buffer {
  return encodeJson(KIND.source, source);
}

export function encodeBeat(beat: SpooledBeat): Buffer {
  return encodeJson(KIND.beat, beat);
}

export function encodeFact(fact: SpooledFact): Buffer {
  return encodeJson(KIND.fact, fact);
}

function encodeJson(kind: number, value: unknown): Buffer {
  return Buffer.concat([Buffer.from([kind]), Buffer.from(JSON.stringify(value))]);
}

/** When an arrival was received, and its source, without reading the rest of it; null when the body holds something else. */
export function peekArrival(body: Buffer): { readonly at: number; readonly sourceKey: string } | null {
  if (body[0] !== KIND.arrival) return null;
  const keyBytes = body.readUInt16LE(9);
  return { at: body.readDoubleLE(1), sourceKey: body.toString('utf8', KEY_AT, KEY_AT + keyBytes) };
}

/** Where W must wait for a fact; null when the body holds something else. */
export function peekFact(body: Buffer): number | null {
  return body[0] === KIND.fact ? ((decodeJson(body) as Partial<SpooledFact>).from ?? null) : null;
}

/** The record in a body. What a frame holds was checked: a body that does not make sense is a bug and throws. */
export function decodeRecord(body: Buffer): SpoolRecord {
  switch (body.readUInt8(0)) {
    case KIND.arrival:
      return { kind: 'arrival', arrival: decodeArrival(body) };
    case KIND.source:
      return { kind: 'source', source: decodeJson(body) as NewSource };
    case KIND.beat:
      return { kind: 'beat', beat: decodeJson(body) as SpooledBeat };
    case KIND.fact:
      return { kind: 'fact', fact: decodeJson(body) as SpooledFact };
    default:
      throw new Error(`a spool record of the unknown kind ${String(body[0])}`);
  }
}

function decodeArrival(body: Buffer): Arrival {
  const keyBytes = body.readUInt16LE(9);
  const jsonAt = ARRIVAL_FIXED_BYTES + keyBytes;
  const payloadAt = jsonAt + body.readUInt32LE(KEY_AT + keyBytes);
  const rest = JSON.parse(body.toString('utf8', jsonAt, payloadAt)) as Omit<Arrival, 'payload' | 'sourceKey'>;
  return { ...rest, sourceKey: body.toString('utf8', KEY_AT, KEY_AT + keyBytes), payload: body.subarray(payloadAt) };
}

function decodeJson(body: Buffer): unknown {
  return JSON.parse(body.toString('utf8', 1));
}
