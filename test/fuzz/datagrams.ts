/**
 * Hostile datagrams by seed: valid reports in every codec, and what accidents and attackers make of them. Most are near
 * to valid, since what is far from it is refused by the first byte looked at.
 */
import { type Random, seeded } from '../../src/simulator/sender/random.js';
import type { CodecSettings } from '../../src/wire/codec.js';

/** One datagram and the address it claims to come from. */
export interface Hostile {
  readonly address: string;
  readonly bytes: Uint8Array;
}

/** An honest way of writing, the address of an IVR that writes so, and what an operator has set for it, if anything. */
export interface Writer {
  readonly address: string;
  readonly set: CodecSettings | null;
  readonly write: (fields: readonly string[]) => Uint8Array;
}

const KEYS = [
  'CallID',
  'SerialNumber',
  'CallState',
  'CallerNumber',
  'CalleeNumber',
  'ForwardNumber',
  'MenuID',
  'MenuName',
];
const WIDTHS = [24, 12, 16, 18, 18, 18, 6, 24];

const utf8 = (text: string): Uint8Array => Buffer.from(text);
const joined =
  (delimiter: string, end = '') =>
  (fields: readonly string[]): Uint8Array =>
    utf8(fields.join(delimiter) + end);
const pairs =
  (delimiter: string) =>
  (fields: readonly string[]): Uint8Array =>
    utf8(fields.map((field, at) => `${KEYS[at] ?? ''}=${field}`).join(delimiter));

function json(fields: readonly string[]): Uint8Array {
  return utf8(JSON.stringify(Object.fromEntries(fields.map((field, at) => [KEYS[at] ?? '', field]))));
}

function xml(fields: readonly string[]): Uint8Array {
  const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
  return utf8(
    `<Report>${fields.map((field, at) => `<${KEYS[at] ?? ''}>${escaped(field)}</${KEYS[at] ?? ''}>`).join('')}</Report>`,
  );
}

function lengthPrefixed(fields: readonly string[]): Uint8Array {
  return Buffer.concat(
    fields.map((field) => {
      const text = Buffer.from(field).subarray(0, 255);
      return Buffer.concat([Buffer.from([text.length]), text]);
    }),
  );
}

function fixed(fields: readonly string[]): Uint8Array {
  return Buffer.concat(
    fields.map((field, at) => {
      const column = Buffer.alloc(WIDTHS[at] ?? 0, ' ');
      Buffer.from(field).copy(column);
      return column;
    }),
  );
}

/** A byte that is a delimiter in ASCII is the second half of a character in GB18030. */
function gbk(fields: readonly string[]): Uint8Array {
  const name = Buffer.from([0xbf, 0xcd, 0xb7, 0x7c, 0xd6, 0xd0]);
  return Buffer.concat([Buffer.from(`${fields.slice(0, 7).join(',')},`), name]);
}

export const WRITERS: readonly Writer[] = [
  { address: '127.0.1.1', set: null, write: joined(',') },
  { address: '127.0.1.2', set: null, write: joined('|', '\r\n') },
  { address: '127.0.1.3', set: null, write: joined('\t', '\0') },
  { address: '127.0.1.4', set: null, write: pairs('&') },
  { address: '127.0.1.5', set: null, write: pairs(';') },
  { address: '127.0.1.6', set: null, write: json },
  { address: '127.0.1.7', set: null, write: xml },
  { address: '127.0.1.8', set: null, write: gbk },
  { address: '127.0.1.9', set: { codec: 'delimited', delimiter: '||', charset: 'utf-8' }, write: joined('||') },
  {
    address: '127.0.1.10',
    set: { codec: 'delimited', delimiter: ',', charset: 'utf-8', quoted: true },
    write: joined(','),
  },
  { address: '127.0.1.11', set: { codec: 'length_prefixed', charset: 'utf-8', lengthBytes: 1 }, write: lengthPrefixed },
  { address: '127.0.1.12', set: { codec: 'fixed', charset: 'utf-8', widths: WIDTHS }, write: fixed },
];

const STATES = ['Ringing', 'Ringing(180)', '180', '183', 'OK', '200', 'Bye', '-11', '-12', '-13', 'Trying', 'Foo', ''];
/** What has broken parsers before: controls, quotes, the lengths around a limit, look-alikes, half characters, code. */
const POISON: readonly string[] = [
  ...[
    '',
    ' ',
    '\0',
    '\n',
    '\r\n',
    '"',
    "'",
    '""',
    '\\',
    '\\u0000',
    '=',
    ',',
    '|',
    ';',
    '&',
    '<',
    '>',
    '&amp;',
    ']]>',
    '%00',
  ],
  ...[
    '-1',
    '0',
    '9'.repeat(20),
    '9'.repeat(64),
    '1e999',
    'NaN',
    'null',
    'true',
    '[]',
    '{}',
    '__proto__',
    'constructor',
  ],
  ...['\u202e', '\ufeff', '\ud800', '\u{1f4a9}', 'é', '客服', 'A'.repeat(64), 'A'.repeat(256), 'A'.repeat(257), '٣'],
  ...[
    "'; drop table call; --",
    '$1',
    '<!DOCTYPE a [<!ENTITY b "c">]>',
    '<?xml version="1.0"?>',
    '<![CDATA[',
    '{{{{{{{{',
  ],
];

const RECENT = 256;
const OVERSIZED_BYTES = 9_000;

/** An endless stream of datagrams; the same seed, the same stream. */
export class Datagrams {
  private readonly random: Random;
  private readonly recent: Hostile[] = [];
  private made = 0;

  constructor(seed: string) {
    this.random = seeded(seed, 'fuzz');
  }

  next(): Hostile {
    const { random } = this;
    const again = this.recent.length > 0 && random.chance(0.15) ? random.pick(this.recent) : null;
    const hostile = again ?? this.fresh();
    this.recent[this.made++ % RECENT] = hostile;
    return hostile;
  }

  private fresh(): Hostile {
    const { random } = this;
    const writer = random.pick(WRITERS);
    const valid = writer.write(this.fields());
    const kind = random.next();
    // 3 in 10 untouched: calls whose states arrive in every order are input, too.
    const bytes = kind < 0.3 ? valid : kind < 0.95 ? this.mutated(valid, writer) : this.noise();
    return { address: random.chance(0.02) ? this.forged() : writer.address, bytes };
  }

  private fields(): readonly string[] {
    const { random } = this;
    const field = (usual: string): string => (random.chance(0.03) ? random.pick(POISON) : usual);
    const digits = (count: number): string => String(random.below(10 ** count)).padStart(count, '0');
    const callId = `c${String(random.below(4_000))}`;
    const numbers = [`44207946${digits(4)}`, `1555${digits(7)}`, random.chance(0.3) ? digits(6) : ''];
    const state = random.chance(0.9) ? random.pick(STATES) : `S${digits(2)}`;
    return [callId, String(1 + random.below(4)), state, ...numbers, digits(1), 'Main menu'].map(field);
  }

  /** One to four accidents. */
  private mutated(valid: Uint8Array, writer: Writer): Uint8Array {
    let bytes = Buffer.from(valid);
    const times = 1 + this.random.below(4);
    for (let time = 0; time < times; time++) bytes = this.accident(bytes, writer);
    return bytes;
  }

  private accident(bytes: Buffer, writer: Writer): Buffer<ArrayBuffer> {
    const { random } = this;
    const at = random.below(bytes.length + 1);
    const to = Math.min(bytes.length, at + random.below(12));
    const between = (middle: Uint8Array, from: number, until: number): Buffer<ArrayBuffer> =>
      Buffer.concat([bytes.subarray(0, from), middle, bytes.subarray(until)]);
    switch (random.below(9)) {
      case 0: {
        const flipped = Buffer.from(bytes);
        if (at < flipped.length) flipped[at] = (flipped[at] ?? 0) ^ (1 << random.below(8));
        return flipped;
      }
      case 1:
        return Buffer.from(bytes.subarray(0, at));
      case 2:
        return Buffer.from(bytes.subarray(at));
      case 3:
        return between(Buffer.from([random.below(256)]), at, at);
      case 4:
        return between(Buffer.alloc(0), at, to);
      case 5:
        return between(Buffer.concat([bytes.subarray(at, to), bytes.subarray(at, to)]), at, to);
      case 6:
        return between(utf8(random.pick(POISON)), at, to);
      case 7: {
        const other = random.pick(random.chance(0.5) ? WRITERS : [writer]).write(this.fields());
        return Buffer.concat([bytes.subarray(0, at), other.subarray(random.below(other.length + 1))]);
      }
      default:
        return Buffer.concat([bytes, bytes]);
    }
  }

  private noise(): Uint8Array {
    const { random } = this;
    if (random.chance(0.02)) return Buffer.alloc(OVERSIZED_BYTES, random.below(256));
    if (random.chance(0.05)) return Buffer.from('{"a":'.repeat(random.below(400)));
    const bytes = Buffer.alloc(random.below(300));
    for (let at = 0; at < bytes.length; at++) bytes[at] = random.below(256);
    return bytes;
  }

  /** Anywhere inside an allowed range of sixteen million addresses. */
  private forged(): string {
    const part = (): string => String(this.random.below(256));
    return `10.${part()}.${part()}.${part()}`;
  }
}
