import { type AskedKey, judgeKey } from './judge-key.js';

const NOW = 1_000;
const GOOD: AskedKey = { name: 'billing', scopes: ['changes:read'], sources: null, expiresAt: null };

test('a key is made of what was asked, trimmed, each scope and source once', () => {
  const asked = { ...GOOD, name: ' billing ', scopes: ['export', 'calls:read', 'export'], sources: ['a', 'b', 'a'] };
  expect(judgeKey(asked, NOW)).toEqual({
    key: { name: 'billing', scopes: ['calls:read', 'export'], sources: ['a', 'b'], expiresAt: null },
  });
});

test.each<[string, Partial<AskedKey>, readonly string[]]>([
  ['without a name', { name: ' ' }, ['name']],
  ['with a name that breaks a line', { name: 'a\nb' }, ['name']],
  ['without a scope', { scopes: [] }, ['scopes']],
  ['with a scope nobody knows', { scopes: ['calls:read', 'calls:write'] }, ['scopes']],
  ['bound to nothing', { sources: [] }, ['sources']],
  ['bound to a source without a key', { sources: [''] }, ['sources']],
  ['for everything and bound', { scopes: ['admin'], sources: ['ivr'] }, ['sources']],
  ['that has ended', { expiresAt: NOW }, ['expiresAt']],
  [
    'wrong throughout',
    { name: '', scopes: ['x'], sources: [], expiresAt: 0 },
    ['name', 'scopes', 'sources', 'expiresAt'],
  ],
])('a key %s is not made, and every reason told', (_what, part, parameters) => {
  const judged = judgeKey({ ...GOOD, ...part }, NOW);
  expect('faults' in judged ? judged.faults.map(({ parameter }) => parameter) : []).toEqual(parameters);
});
