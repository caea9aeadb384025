import { e164Of, judgeNumberRules } from './number-rules.js';
import type { NumberRules } from './ports.js';

const BRITISH: NumberRules = { country: 'GB', rewrites: [] };
const DIALLED: NumberRules = {
  country: null,
  rewrites: [
    { pattern: '^00', replacement: '+' },
    { pattern: '^9(\\d{10})$', replacement: '+1$1' },
  ],
};

test.each<[NumberRules, string, string | null]>([
  [BRITISH, '+442071234567', '+442071234567'],
  [BRITISH, '02071234567', '+442071234567'],
  [BRITISH, '2071234567', '+442071234567'],
  [BRITISH, '0033142345678', '+33142345678'],
  [BRITISH, '+15550001111', '+15550001111'],
  [BRITISH, 'anonymous', null],
  [BRITISH, '1', null],
  [DIALLED, '00442071234567', '+442071234567'],
  [DIALLED, '92125550123', '+12125550123'],
  [{ country: null, rewrites: [] }, '442071234567', null],
])('by %j %s is %s', (rules, number, expected) => {
  expect(e164Of(rules, number)).toBe(expected);
});

test.each([
  ['(a+)+$', 'may not repeat a group'],
  ['\\d*\\d*\\d*\\d*x', 'may repeat 3 times at most'],
  ['(\\d)\\1', 'may not refer back, nor name classes of characters but \\d'],
  ['(?=1)', 'may not hold (?'],
  ['[', 'is no regular expression'],
  ['', 'must be 1 to 100 characters'],
])('the pattern %s is refused: it %s', (pattern, reason) => {
  const judged = judgeNumberRules({ rewrites: [{ pattern, replacement: '' }] });
  expect(judged).toEqual({ ok: false, faults: [{ parameter: 'rewrites[0].pattern', reason }] });
});

test('everything wrong is told at once', () => {
  const judged = judgeNumberRules({ country: 'XX', rewrites: [{ pattern: '^0', replacement: '=1' }] });
  expect(judged).toMatchObject({ faults: [{ parameter: 'country' }, { parameter: 'rewrites[0].replacement' }] });
});

test('nothing asked is no rules, and a country is written as ISO does', () => {
  expect(judgeNumberRules({})).toEqual({ ok: true, value: null });
  expect(judgeNumberRules({ country: 'gb' })).toEqual({ ok: true, value: BRITISH });
});
