import type { PrismaClient } from '../../generated/prisma/client.js';
import type { AckForm } from '../../wire/ack.js';
import { AGREEMENTS_TO_LOCK, type CodecLock } from '../../wire/detect/lock.js';
import { CODEC_NAMES, type CodecSettings } from '../../wire/reading.js';
import type { NewSource, SourceRow, SourceStore } from '../../sources/ports.js';
import { faultOf } from '../faults.js';
import { recorded } from './source-changes.js';

/** The `codec` column: the settings, how far the charset is sure, and the operator's decision they fall under. */
export interface StoredCodec extends CodecSettings {
  readonly charsetAgreed: number;
  readonly version: number;
}

/** The same column of a source that posts over HTTP: nothing of it is learned or set. */
export interface TwinCodec {
  readonly codec: 'http_twin';
  readonly charset: 'utf-8';
}

const TWIN_CODEC: TwinCodec = { codec: 'http_twin', charset: 'utf-8' };

/** What is left of it when an operator wants the codec learned anew. */
export type ForgottenCodec = Pick<StoredCodec, 'version'>;

interface LoadedRow {
  readonly key: string;
  readonly name: string;
  readonly addresses: readonly string[] | null;
  readonly codec: StoredCodec | TwinCodec | ForgottenCodec | null;
  readonly locked: boolean;
  readonly ackForm: AckForm | null;
}

const LOAD = `select key, name, addresses, codec, locked, ack_form as "ackForm" from source order by key`;
const LOAD_ONE = `select key, name, addresses, codec, locked, ack_form as "ackForm" from source where key = $1`;

const SAVE = `
insert into source as stored (key, name, addresses, created_at, codec, locked)
select key, name, array(select json_array_elements_text(addresses)), $2, codec, codec is not null
from json_to_recordset($1::json) as sent (key text, name text, addresses json, codec json)
on conflict (key) do update set
  name = excluded.name,
  addresses = array(select distinct unnest(stored.addresses || excluded.addresses) order by 1)`;

/** The first lock wins; the same codec may still learn its charset. What an older decision was the base of is void. */
const SAVE_LOCK = `
update source set codec = $2::json, charset = $3, locked = true
where key = $1 and coalesce((codec->>'version')::integer, 0) = $4::integer and (
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

  async save(sources: readonly NewSource[], at: number): Promise<void> {
    const rows = sources.map(({ twin, ...source }) => (twin === true ? { ...source, codec: TWIN_CODEC } : source));
    await this.execute(SAVE, JSON.stringify(rows), new Date(at));
  }

  async saveLock(key: string, lock: CodecLock, codecVersion: number, at: number): Promise<CodecLock | null> {
    if (lock.settings === null) return lock;
    const codec: StoredCodec = { ...lock.settings, charsetAgreed: lock.charsetAgreed, version: codecVersion };
    if (await this.learned(key, codec, at)) return lock;
    const [found] = await this.query<LoadedRow>(LOAD_ONE, key);
    const row = found === undefined ? null : rowOf(found);
    return row?.codecVersion === codecVersion ? (row.lock ?? lock) : null;
  }

  /** Stores what was learned and records what that changed; false when something else holds. */
  private async learned(key: string, codec: StoredCodec, at: number): Promise<boolean> {
    const save = [key, JSON.stringify(codec), codec.charset, codec.version] as const;
    try {
      return await this.prisma.$transaction(async (tx) => {
        const rows = await tx.$queryRaw<unknown[]>`select 1 as one from source where key = ${key} for update`;
        if (rows.length === 0) return false;
        let count = 0;
        await recorded(tx, key, { at, by: 'learned' }, async () => {
          count = await tx.$executeRawUnsafe(SAVE_LOCK, ...save);
        });
        return count > 0;
      });
    } catch (error) {
      throw faultOf(error);
    }
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

function rowOf({ key, name, addresses, codec, locked, ackForm }: LoadedRow): SourceRow {
  const source = { key, name, addresses: addresses ?? [], ...(ackForm === null ? {} : { ackForm }) };
  if (codec === null) return { ...source, lock: null, codecVersion: 0 };
  if (isTwin(codec)) return { ...source, lock: null, codecVersion: 0, twin: true };
  return { ...source, lock: locked && isKnown(codec) ? lockOf(codec) : null, codecVersion: codec.version };
}

/** Forgotten, or written by a version that knows more codecs: then it is learned here, and kept there by its version. */
function isKnown(codec: StoredCodec | ForgottenCodec): codec is StoredCodec {
  return 'codec' in codec && CODEC_NAMES.includes(codec.codec);
}

function isTwin(codec: StoredCodec | TwinCodec | ForgottenCodec): codec is TwinCodec {
  return 'codec' in codec && codec.codec === 'http_twin';
}

function lockOf({ charsetAgreed, version: _version, ...settings }: StoredCodec): CodecLock {
  return { settings, agreed: AGREEMENTS_TO_LOCK, locked: true, charsetAgreed };
}
