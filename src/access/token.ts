/** The secret somebody shows, and what is kept of it. */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';

/** `rl_1a2b3c4d_...`: a prefix to name it by, and at least 32 characters that nobody can guess. */
const TOKEN = /^(rl_[0-9a-f]{8})_[\w-]{32,128}$/;
const PREFIX_BYTES = 4;
/** 256 bits: at a thousand million guesses a second the sun goes out first. */
const SECRET_BYTES = 32;

/** A secret as it is shown once, and what is kept of it. */
export interface Token {
  readonly prefix: string;
  readonly hash: Buffer;
}

/** A new secret. */
export function newToken(): Token & { readonly secret: string } {
  const prefix = `rl_${randomBytes(PREFIX_BYTES).toString('hex')}`;
  const secret = `${prefix}_${randomBytes(SECRET_BYTES).toString('base64url')}`;
  return { secret, prefix, hash: hashOf(secret) };
}

/** What a text would be kept as; null when it has not the form of a key. */
export function readToken(text: string): Token | null {
  const prefix = TOKEN.exec(text)?.[1];
  return prefix === undefined ? null : { prefix, hash: hashOf(text) };
}

/** In a time that tells nothing of how far they agree. */
export function sameHash(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}

/**
 * SHA-256 and no slow password hash: those make up for secrets that people choose and that can be guessed. Nobody can try
 * 2^256 secrets, however fast each try is, and a slow hash would cost every request 50 ms.
 */
function hashOf(secret: string): Buffer {
  return createHash('sha256').update(secret).digest();
}
