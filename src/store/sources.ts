import type { PrismaClient } from '../generated/prisma/client.js';
import { AGREEMENTS_TO_LOCK, type CodecLock } from '../wire/lock.js';
import type { CodecSettings } from '../wire/reading.js';
import type { SourceRow, SourceStore } from '../sources/ports.js';
import { faultOf } from './faults.js';

/** The `codec` column: the settings, and how far the charset is sure. */
interface StoredCodec extends CodecSettings {
  readonly charsetAgreed: number;
}

interface LoadedRow {
  readonly key: string;
  readonly name: string;
  readonly addresses: readonly string[] | null;
  readonly codec: StoredCodec | null;
  readonly locked: boolean;
}

const LOAD = `select key, name, addresses, codec, locked from source`;

const SAVE = `
insert into source as stored (key, name, addresses, created_at)
select key, name, array(select json_array_elements_text(addresses)), $2
from json_to_recordset($1::json) as sent (key text, name text, addresses json)
on conflict (key) do update set
  name = excluded.name,
  addresses = array(select distinct unnest(stored.addresses || excluded.addresses) order by 1)`;

/** The first lock wins; the same codec may still learn its charset. */
const SAVE_LOCK = `
update source set codec = $2::json, charset = $3, locked = true
where key = $1 and (
  not locked or (codec->>'codec' = $2::json->>'codec' and codec->>'delimiter' is not distinct from $2::json->>'delimiter')
)`;

const SAVE_HEARD = `
update source as stored set last_heard_at = greatest(stored.last_heard_at, sent.heard_at)
from unnest($1::text[], $2::timestamptz[]) as sent (key, heard_at)
where stored.key = sent.key`;

/** Sources in PostgreSQL. */
export class PgSourceStore implements SourceStore {
  constructor(private readonly prisma: PrismaClient) {}

  async load(): Promise<readonly SourceRow[]> {
    return (await this.query<LoadedRow>(LOAD)).map(rowOf);
  }

  async save(sources: readonly Omit<SourceRow, 'lock'>[], at: number): Promise<void> {
    await this.execute(SAVE, JSON.stringify(sources), new Date(at));
  }

  async saveLock(key: string, lock: CodecLock): Promise<CodecLock> {
    if (lock.settings === null) return lock;
    const codec: StoredCodec = { ...lock.settings, charsetAgreed: lock.charsetAgreed };
    if ((await this.execute(SAVE_LOCK, key, JSON.stringify(codec), codec.charset)) > 0) return lock;
    const [row] = await this.query<LoadedRow>(`${LOAD} where key = $1`, key);
    return (row === undefined ? null : rowOf(row).lock) ?? lock;
  }

  async saveHeard(heard: ReadonlyMap<string, number>): Promise<void> {
    const instants = [...heard.values()].map((at) => new Date(at));
    await this.execute(SAVE_HEARD, [...heard.keys()], instants);
  }

  private async query<Row>(sql: string, ...values: unknown[]): Promise<Row[]> {
    try {
      return await this.prisma.$queryRawUnsafe<Row[]>(sql, ...values);
    } catch (error) {
      throw faultOf(error);
    }
  }

  private async execute(sql: string, ...values: unknown[]): Promise<number> {
    try {
      return await this.prisma.$executeRawUnsafe(sql, ...values);
    } catch (error) {
      throw faultOf(error);
    }
  }
}

function rowOf({ key, name, addresses, codec, locked }: LoadedRow): SourceRow {
  return { key, name, addresses: addresses ?? [], lock: codec === null || !locked ? null : lockOf(codec) };
}

function lockOf({ charsetAgreed, ...settings }: StoredCodec): CodecLock {
  return { settings, agreed: AGREEMENTS_TO_LOCK, locked: true, charsetAgreed };
}
