/** Frames under damage: what is read is what was written, all of it that holds, and never anything else. */
import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import {
  decodeFrames,
  decodeHeader,
  encodeFrames,
  encodeHeader,
  HEADER_BYTES,
  NewerFormat,
  FORMAT_VERSION,
} from './frame.js';

const KEY = { marker: 0x9e37_79b9, seed: 0x85eb_ca6b };
const HEADER = { ...KEY, madeAt: 1_795_000_000_000 };

const body = fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes));
const bodies = fc.array(body, { minLength: 1, maxLength: 12 });

function texts(bytes: Buffer): readonly string[] {
  return decodeFrames(bytes, 0, KEY).frames.map((frame) => frame.body.toString('hex'));
}

/** Where each frame ends. */
function endsOf(written: readonly Buffer[]): readonly number[] {
  let at = 0;
  return written.map((one) => (at += encodeFrames([one], KEY).length));
}

test('what is written is read', () => {
  fc.assert(
    fc.property(bodies, (written) => {
      const read = decodeFrames(encodeFrames(written, KEY), 0, KEY);
      expect(read.frames.map((frame) => frame.body)).toEqual(written);
      expect({ corrupt: read.corrupt, tornBytes: read.tornBytes }).toEqual({ corrupt: 0, tornBytes: 0 });
    }),
  );
});

test('cut anywhere, every record that was written whole is read, and the rest is called torn', () => {
  fc.assert(
    fc.property(bodies, fc.double({ min: 0, max: 1, noNaN: true }), (written, share) => {
      const whole = encodeFrames(written, KEY);
      const cut = whole.subarray(0, Math.floor(share * whole.length));
      const ends = endsOf(written).filter((end) => end <= cut.length);
      const read = decodeFrames(cut, 0, KEY);
      expect(read.frames.map((frame) => frame.body)).toEqual(written.slice(0, ends.length));
      expect({ corrupt: read.corrupt, tornBytes: read.tornBytes }).toEqual({
        ...{ corrupt: 0, tornBytes: cut.length - (ends.at(-1) ?? 0) },
      });
    }),
  );
});

test('one bit flipped anywhere loses the record it lies in and no other, and is told', () => {
  fc.assert(
    fc.property(bodies, fc.nat(), (written, which) => {
      const bytes = encodeFrames(written, KEY);
      const bit = which % (bytes.length * 8);
      const at = Math.floor(bit / 8);
      bytes.writeUInt8(bytes.readUInt8(at) ^ (1 << (bit % 8)), at);
      const hit = endsOf(written).findIndex((end) => at < end);
      const expected = written.filter((_, index) => index !== hit).map((one) => one.toString('hex'));
      expect(texts(bytes)).toEqual(expected);
      const { corrupt, tornBytes } = decodeFrames(bytes, 0, KEY);
      expect([corrupt, tornBytes > 0]).toEqual(hit === written.length - 1 ? [0, true] : [1, false]);
    }),
    { numRuns: 1_000 },
  );
});

test('a stretch overwritten with anything loses the records it touches and no other', () => {
  fc.assert(
    fc.property(bodies, fc.nat(), fc.uint8Array({ minLength: 1, maxLength: 40 }), (written, where, noise) => {
      const whole = encodeFrames(written, KEY);
      const from = where % whole.length;
      const to = Math.min(whole.length, from + noise.length);
      const bytes = Buffer.from(whole);
      bytes.set(noise.subarray(0, to - from), from);
      let at = 0;
      const expected = written.filter((one) => {
        const [begin, end] = [at, at + encodeFrames([one], KEY).length];
        at = end;
        return bytes.subarray(begin, end).equals(whole.subarray(begin, end));
      });
      expect(texts(bytes)).toEqual(expected.map((one) => one.toString('hex')));
    }),
    { numRuns: 1_000 },
  );
});

test('a datagram that holds a frame of its own making is never taken for a record', () => {
  const forged = encodeFrames([Buffer.from('forged')], { marker: 1, seed: 2 });
  const bytes = encodeFrames([forged, Buffer.from('next')], KEY);
  bytes.writeUInt8(bytes.readUInt8(4) ^ 1, 4);
  expect(texts(bytes)).toEqual([Buffer.from('next').toString('hex')]);
});

test('either copy of the header is enough, and without both there is none', () => {
  const bytes = encodeHeader(HEADER);
  expect(bytes).toHaveLength(HEADER_BYTES);
  const [first, second] = [Buffer.from(bytes), Buffer.from(bytes)];
  first.writeUInt8(0, 3);
  second.writeUInt8(0, 90);
  expect([decodeHeader(bytes), decodeHeader(first), decodeHeader(second)]).toEqual([HEADER, HEADER, HEADER]);
  second.writeUInt8(0, 3);
  expect([decodeHeader(second), decodeHeader(bytes.subarray(0, 20))]).toEqual([null, null]);
});

test('a segment of a newer program is refused and not read as damage', () => {
  const header = encodeHeader(HEADER);
  header.writeUInt32LE(FORMAT_VERSION + 1, 8);
  header.writeUInt32LE(crc32(header.subarray(0, 60)), 60);
  expect(() => decodeHeader(header)).toThrow(NewerFormat);
});
