import { contradicts, learnMeaning, type Mature, type SampledSerial } from './meaning.js';

const H = 19_000;
const LIFE = [
  { state: '180', after: 0 },
  { state: 'ok', after: 4000 },
  { state: 'bye', after: 20_000 },
] as const;

/** Calls that begin 5 s apart and overlap: each rings, is answered 4 s later and ends 20 s later. */
function sampleOf(
  calls: number,
  serialOf: (call: number, index: number, place: number) => string,
): readonly SampledSerial[] {
  const events = Array.from({ length: calls }, (_, call) =>
    LIFE.map(({ state, after }, index) => ({ call, index, state, firstAt: call * 5000 + after })),
  )
    .flat()
    .sort((a, b) => a.firstAt - b.firstAt || a.call - b.call);
  return events.map(({ call, index, state, firstAt }, place) => ({
    callKey: `call ${String(call)}`,
    serial: serialOf(call, index, place),
    state,
    firstAt,
  }));
}

function mature(sample: readonly SampledSerial[]): Mature {
  return { calls: sample, stream: sample };
}

const MEANINGS = {
  per_call: sampleOf(40, (_, index) => String(index + 1)),
  per_source: sampleOf(40, (_call, _index, place) => String(5000 + place)),
  call_number: sampleOf(40, (call) => String(900 + call)),
  constant: sampleOf(40, () => '7'),
};
const IN_THE_END = 1e7;

describe('what serials count is learned', () => {
  test.each(Object.entries(MEANINGS))('%s', (meaning, sample) => {
    expect(learnMeaning(sample, IN_THE_END, H)).toEqual({ meaning, serialBase: 1 });
  });

  test('per_call that begins at 0', () => {
    const sample = sampleOf(40, (_, index) => String(index));
    expect(learnMeaning(sample, IN_THE_END, H)).toEqual({ meaning: 'per_call', serialBase: 0 });
  });

  test('numbers of calls that leave holes are only constant: a hole would say nothing', () => {
    const sample = sampleOf(40, (call) => String(900 + 3 * call));
    expect(learnMeaning(sample, IN_THE_END, H)?.meaning).toBe('constant');
  });

  test('nothing yet, from a number for each call that H has not gone by for: it may count them', () => {
    const { call_number: callNumber, constant } = MEANINGS;
    expect(learnMeaning(callNumber, H - 1, H)).toBeNull();
    expect(learnMeaning(constant, H - 1, H)?.meaning).toBe('constant');
    const words = callNumber.map((one) => ({ ...one, serial: `c${one.serial}` }));
    expect(learnMeaning(words, H - 1, H)?.meaning).toBe('constant');
  });

  test('nothing, from fewer than 20 calls', () => {
    expect(
      learnMeaning(
        sampleOf(19, (_, index) => String(index + 1)),
        IN_THE_END,
        H,
      ),
    ).toBeNull();
  });

  test('opaque, from 200 calls whose serials fit nothing', () => {
    const jumble = (calls: number): readonly SampledSerial[] =>
      sampleOf(calls, (call, index) => String((call * 7919 + index * 104_729) % 1009));
    expect(learnMeaning(mature(jumble(199)), IN_THE_END, H)).toBeNull();
    expect(learnMeaning(mature(jumble(200)), IN_THE_END, H)?.meaning).toBe('opaque');
    expect(learnMeaning(jumble(200), IN_THE_END, H)).toBeNull();
  });

  test('per_call, from calls of a busy source that H has gone by for; not from the newest ones, whose Ringing is older', () => {
    const busy = sampleOf(400, (_, index) => String(index + 1));
    const late = busy.filter(({ state }, place) => state !== '180' || place % 5 > 0);
    expect(learnMeaning(late, IN_THE_END, H)).toBeNull();
    expect(learnMeaning({ calls: busy, stream: late }, IN_THE_END, H)).toEqual({ meaning: 'per_call', serialBase: 1 });
  });

  test('per_source, though one in 40 was lost; nothing, when one in ten was', () => {
    const without = (every: number): readonly SampledSerial[] =>
      MEANINGS.per_source.filter((one) => Number(one.serial) % every !== 0);
    expect(learnMeaning(without(40), IN_THE_END, H)?.meaning).toBe('per_source');
    expect(learnMeaning(without(10), IN_THE_END, H)).toBeNull();
  });

  test('per_source, though its newest serials are still on their way', () => {
    const last = MEANINGS.per_source.at(-1)?.firstAt ?? 0;
    const late = MEANINGS.per_source.filter((one, place) => one.firstAt < last - H || place % 2 === 0);
    expect(learnMeaning(late, last, H)?.meaning).toBe('per_source');
  });
});

describe('what serials count is contradicted', () => {
  test('not by Call IDs that are used again: each use is a call of its own', () => {
    const reused = sampleOf(40, (_, index) => String(index + 1)).map((one) => ({
      ...one,
      callKey: `call ${String(Number(one.callKey.slice(5)) % 20)}`,
    }));
    expect(contradicts('per_call', reused, H)).toBe(false);
    expect(learnMeaning(reused, IN_THE_END, H)?.meaning).toBe('per_call');
  });

  test('by serials of another meaning, and not by its own', () => {
    const { per_call: perCall, constant } = MEANINGS;
    expect(contradicts('per_call', perCall, H)).toBe(false);
    expect(contradicts('per_call', constant, H)).toBe(true);
    expect(contradicts('constant', constant, H)).toBe(false);
    expect(contradicts('constant', perCall, H)).toBe(true);
    expect(contradicts('opaque', constant, H)).toBe(false);
  });
});
