import { randomUUID } from 'node:crypto';
import { AccessUnavailable, type AuditEntry, type KeyStore, type StoredKey } from '../access/ports.js';
import { Prisma, type PrismaClient } from '../generated/prisma/client.js';
import type { Transaction } from './sources/source-changes.js';

/** As often as a use of a key is written. */
const USED_EVERY_MS = 60_000;

const ms = (column: string, name: string): string => `(extract(epoch from ${column}) * 1000)::float8 as "${name}"`;
const COLUMNS = Prisma.raw(
  [
    ...['prefix', 'name', 'hash', 'scopes', 'sources', 'created_by as "createdBy"', 'revoked_by as "revokedBy"'],
    ...[ms('created_at', 'createdAt'), ms('expires_at', 'expiresAt')],
    ...[ms('revoked_at', 'revokedAt'), ms('last_used_at', 'lastUsedAt')],
  ].join(', '),
);

/** Keys and the audit trail in PostgreSQL. */
export class PgKeyStore implements KeyStore {
  constructor(private readonly prisma: PrismaClient) {}

  async find(prefix: string): Promise<StoredKey | null> {
    const [row] = await reached(
      this.prisma.$queryRaw<StoredKey[]>`select ${COLUMNS} from api_key where prefix = ${prefix}`,
    );
    return row ?? null;
  }

  async anyMade(): Promise<boolean> {
    const [row] = await reached(
      this.prisma.$queryRaw<{ readonly any: boolean }[]>`select exists (select from api_key) as any`,
    );
    return row?.any ?? false;
  }

  list(): Promise<readonly StoredKey[]> {
    return reached(this.prisma.$queryRaw<StoredKey[]>`select ${COLUMNS} from api_key order by created_at desc, prefix`);
  }

  add(key: StoredKey, entry: AuditEntry): Promise<boolean> {
    return reached(
      this.prisma.$transaction(async (tx) => {
        const added = await tx.$executeRaw`
          insert into api_key (prefix, name, hash, scopes, sources, created_at, created_by, expires_at)
          values (${key.prefix}, ${key.name}, ${Buffer.from(key.hash)}, ${[...key.scopes]}::text[],
            ${key.sources === null ? null : [...key.sources]}::text[], ${at(key.createdAt)}::timestamptz, ${key.createdBy},
            ${key.expiresAt === null ? null : at(key.expiresAt)}::timestamptz)
          on conflict do nothing`;
        if (added === 1) await append(tx, [entry]);
        return added === 1;
      }),
    );
  }

  revoke(prefix: string, revokedAt: number, by: string, entry: AuditEntry): Promise<StoredKey | null> {
    return reached(
      this.prisma.$transaction(async (tx) => {
        const changed = await tx.$executeRaw`
          update api_key set revoked_at = ${at(revokedAt)}::timestamptz, revoked_by = ${by}
          where prefix = ${prefix} and revoked_at is null`;
        if (changed === 1) await append(tx, [entry]);
        const [row] = await tx.$queryRaw<StoredKey[]>`select ${COLUMNS} from api_key where prefix = ${prefix}`;
        return row ?? null;
      }),
    );
  }

  async used(prefix: string, usedAt: number): Promise<void> {
    await reached(
      this.prisma.$executeRaw`
        update api_key set last_used_at = ${at(usedAt)}::timestamptz
        where prefix = ${prefix} and coalesce(last_used_at, '-infinity') <= ${at(usedAt - USED_EVERY_MS)}::timestamptz`,
    );
  }

  async append(entries: readonly AuditEntry[]): Promise<void> {
    await reached(append(this.prisma, entries));
  }
}

async function append(tx: Transaction, entries: readonly AuditEntry[]): Promise<void> {
  const column = <K extends keyof AuditEntry>(name: K): AuditEntry[K][] => entries.map((entry) => entry[name]);
  await tx.$executeRaw`
    insert into audit (id, at, kind, who, key_prefix, address, action, subject, detail, times)
    select id::uuid, at::timestamptz, kind, who, key_prefix, address, action, subject, detail, times
    from unnest(${entries.map(() => randomUUID())}::text[], ${entries.map((entry) => at(entry.at))}::text[],
      ${column('kind')}::text[], ${column('who')}::text[], ${column('keyPrefix')}::text[], ${column('address')}::text[],
      ${column('action')}::text[], ${column('subject')}::text[], ${column('detail')}::text[], ${column('times')}::int[])
      as entry (id, at, kind, who, key_prefix, address, action, subject, detail, times)`;
}

/** As text with its zone, so that no session setting can shift it. */
function at(instantMs: number): string {
  return new Date(instantMs).toISOString();
}

/** @throws AccessUnavailable */
async function reached<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw new AccessUnavailable(error);
  }
}
