import { allowedSilence, type WindowRhythm } from './rhythm.js';

const H = 19_000;
const [MINUTE, HOUR, DAY] = [60_000, 3_600_000, 86_400_000];

/** A window that heard 20 slots and saw one silence begin at `from`. */
function window(from: number, ms: number, heard = 20): WindowRhythm {
  return { heard, silenceFrom: from, silenceMs: ms };
}

/** Days of a source that is silent for a minute at most by day, and for nine hours from 21:00 on. */
function office(days: number): readonly WindowRhythm[] {
  return Array.from({ length: days }, (_, day) =>
    Array.from({ length: 24 }, (_hour, hour) => {
      const at = day * DAY + hour * HOUR;
      if (hour > 21 || hour < 6) return [];
      return hour === 21 ? [window(at, 9 * HOUR)] : [0, 1, 2].map((place) => window(at + place * 20 * MINUTE, MINUTE));
    }).flat(),
  ).flat();
}

describe('how long a source may be silent', () => {
  test('is not known of one that spoke little', () => {
    expect(allowedSilence([], 0, H)).toBeNull();
    expect(allowedSilence([window(0, MINUTE, 99)], HOUR, H)).toBeNull();
  });

  test('is twice its longest silence, and H for what is retried', () => {
    const windows = [window(0, 10_000, 60), window(MINUTE, 40_000, 40)];
    expect(allowedSilence(windows, 2 * MINUTE, H)).toBe(80_000 + H);
  });

  test.each([
    ['by day', 11 * HOUR, 2 * MINUTE + H],
    ['as night falls', 21 * HOUR, 18 * HOUR + H],
    ['an hour before the night', 20 * HOUR, 18 * HOUR + H],
  ])('depends on the time of day it begins at, once days are known: %s', (_when, at, allowed) => {
    expect(allowedSilence(office(7), 7 * DAY + at, H)).toBe(allowed);
  });

  test('takes the longest of all before a day is known', () => {
    const today = office(1).filter(({ silenceFrom }) => silenceFrom < 12 * HOUR);
    expect(allowedSilence(today, 12 * HOUR, H)).toBe(2 * MINUTE + H);
    expect(allowedSilence(office(1), DAY + 3 * HOUR, H)).toBe(18 * HOUR + H);
  });

  test('reaches over midnight', () => {
    const windows = [1, 2, 3, 4, 5, 6].map((day) => window(day * DAY - MINUTE, 5 * MINUTE, 50));
    expect(allowedSilence([...windows, window(6.5 * DAY, 3 * HOUR)], 7 * DAY + MINUTE, H)).toBe(10 * MINUTE + H);
  });
});

test('silences of a steady stream are alarmed about less than once in 2,000 days', () => {
  // A stream of a call a minute: 1,440 exponential silences a day, judged by the longest of the seven days before.
  let state = 1;
  const chance = (): number => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
    return (state + 1) / 0x80000001;
  };
  const days = Array.from({ length: 2000 }, () => Array.from({ length: 1440 }, () => -Math.log(chance()) * MINUTE));
  const longest = days.map((silences) => Math.max(...silences));
  const alarms = longest.filter((ms, day) => {
    const windows = longest.slice(Math.max(0, day - 7), day).map((one, back) => window(back * DAY, one, 1440));
    const allowed = allowedSilence(windows, 7 * DAY, H);
    return allowed !== null && ms > allowed;
  });
  expect(alarms).toEqual([]);
});
