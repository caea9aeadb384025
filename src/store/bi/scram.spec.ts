import { createHash, createHmac } from 'node:crypto';
import { scramVerifier } from './scram.js';

/** RFC 7677, section 3: the exchange of user `user` with password `pencil`. */
const SALT = 'W22ZaJ0SNY7soEsUEjb6gQ==';
const NONCE = 'rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0';
const EXCHANGE = `n=user,r=rOprNGfwEbeRWgbNEkqO,r=${NONCE},s=${SALT},i=4096,c=biws,r=${NONCE}`;
const PROOF = 'dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=';
const SERVER_SIGNATURE = '6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=';

function signed(key: Buffer): Buffer {
  return createHmac('sha256', key).update(EXCHANGE).digest();
}

test('a verifier holds the keys of the exchange in RFC 7677', () => {
  const [kind, salt, keys = ''] = scramVerifier('pencil', Buffer.from(SALT, 'base64')).split('$');
  const [storedKey, serverKey] = keys.split(':').map((key) => Buffer.from(key, 'base64'));
  expect([kind, salt]).toEqual(['SCRAM-SHA-256', `4096:${SALT}`]);
  if (storedKey === undefined || serverKey === undefined) throw new Error('two keys');
  expect(signed(serverKey).toString('base64')).toBe(SERVER_SIGNATURE);
  // What the proof hides, the client's key, is what the stored key is the hash of (RFC 5802, section 3).
  const proof = Buffer.from(PROOF, 'base64');
  const clientKey = signed(storedKey).map((byte, place) => byte ^ (proof[place] ?? 0));
  expect(createHash('sha256').update(clientKey).digest()).toEqual(storedKey);
});

test.each(['', 'pässword', 'tab\t'])('%j is no password of ours', (password) => {
  expect(() => scramVerifier(password, Buffer.from(SALT, 'base64'))).toThrow(/printable ASCII/);
});
