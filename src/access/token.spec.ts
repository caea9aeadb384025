import { newToken, readToken, sameHash } from './token.js';

test('a new key is read as what is kept of it, and no two are alike', () => {
  const [one, other] = [newToken(), newToken()];
  expect(readToken(one.secret)).toEqual({ prefix: one.prefix, hash: one.hash });
  expect(one.secret).toMatch(/^rl_[0-9a-f]{8}_[\w-]{43}$/);
  expect(one.secret.startsWith(`${one.prefix}_`)).toBe(true);
  expect(sameHash(one.hash, other.hash)).toBe(false);
  expect(sameHash(one.hash, Buffer.from(one.hash))).toBe(true);
  expect(sameHash(one.hash, one.hash.subarray(1))).toBe(false);
});

test.each(['', 'rl_1234abcd', 'rl_1234abcd_short', `RL_1234abcd_${'x'.repeat(40)}`, `rl_1234abcd_${'x'.repeat(129)}`])(
  '%j has not the form of a key',
  (text) => {
    expect(readToken(text)).toBeNull();
  },
);
