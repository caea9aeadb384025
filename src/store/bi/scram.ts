/** What PostgreSQL keeps of a password, made here: so the password itself is in no statement, and in no log of one. */
import { createHash, createHmac, pbkdf2Sync } from 'node:crypto';

/** PostgreSQL's own (`scram_iterations`), and the least RFC 7677 allows. Passwords of ours are drawn, so more would slow logins alone. */
const ITERATIONS = 4_096;
const KEY_BYTES = 32;
/** Of these SASLprep (RFC 4013) changes nothing. */
const PRINTABLE_ASCII = /^[\x20-\x7e]+$/;

/**
 * The verifier that `alter role ... password` takes in place of a password, as PostgreSQL writes it into `pg_authid.rolpassword`
 * (https://www.postgresql.org/docs/current/catalog-pg-authid.html): `SCRAM-SHA-256$<iterations>:<salt>$<StoredKey>:<ServerKey>`. The keys
 * are those of RFC 5802, section 3, with the hash of RFC 7677.
 * @param password printable ASCII; others would have to be normalised first, and we draw none
 */
export function scramVerifier(password: string, salt: Uint8Array): string {
  if (!PRINTABLE_ASCII.test(password)) throw new Error('A password of ours is printable ASCII.');
  const salted = pbkdf2Sync(password, salt, ITERATIONS, KEY_BYTES, 'sha256');
  const keyed = (name: string): Buffer => createHmac('sha256', salted).update(name).digest();
  const storedKey = createHash('sha256').update(keyed('Client Key')).digest('base64');
  const serverKey = keyed('Server Key').toString('base64');
  const saltText = Buffer.from(salt).toString('base64');
  return `SCRAM-SHA-256$${String(ITERATIONS)}:${saltText}$${storedKey}:${serverKey}`;
}
