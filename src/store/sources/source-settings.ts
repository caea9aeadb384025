import { type PrismaClient } from '../../generated/prisma/client.js';
import type { MeaningChange } from '../../ingest/sweep/sweep.ports.js';
import { RECEIVER_GONE_MS, type SerialMeaning } from '../../notification.js';
import type { Decision, NumberRules, SourceRow, SourceSettingsStore } from '../../sources/ports.js';
import type { AckForm } from '../../wire/ack.js';
import type { CodecLock } from '../../wire/detect/lock.js';
import { faultOf } from '../faults.js';
import { recorded, type Transaction } from './source-changes.js';
import { type ForgottenCodec, PgSourceStore, type StoredCodec } from './sources.js';

interface Locked {
  readonly meaning: SerialMeaning;
  readonly serialBase: number;
  readonly codecVersion: number;
  /** W as the receivers last wrote it, and not before the last change of the meaning. */
  readonly through: Date;
}

/**
 * What operators decide of sources, in PostgreSQL. Each decision locks its row, so that no receiver's learning slips in, and
 * records what it changed.
 */
export class PgSourceSettingsStore implements SourceSettingsStore {
  constructor(private readonly prisma: PrismaClient) {}

  load(): Promise<readonly SourceRow[]> {
    return new PgSourceStore(this.prisma).load();
  }

  pinMeaning(key: string, meaning: SerialMeaning, serialBase: number, decision: Decision): Promise<boolean> {
    return this.decide(key, decision, async (tx, row) => {
      await tx.$executeRaw`update source set meaning_pinned = true where key = ${key}`;
      await changeMeaning(tx, key, row, meaning, serialBase);
    });
  }

  setLock(key: string, lock: CodecLock, decision: Decision): Promise<boolean> {
    return this.decide(key, decision, async (tx, { codecVersion }) => {
      const { settings, charsetAgreed } = lock;
      if (settings === null) throw new Error('a codec that is not set');
      const codec: StoredCodec = { ...settings, charsetAgreed, version: codecVersion + 1 };
      await tx.$executeRaw`
        update source set codec = ${JSON.stringify(codec)}::json, charset = ${codec.charset}, locked = true
        where key = ${key}`;
    });
  }

  setAckForm(key: string, form: AckForm | null, decision: Decision): Promise<boolean> {
    return this.decide(key, decision, async (tx) => {
      await tx.$executeRaw`
        update source set ack_form = ${form === null ? null : JSON.stringify(form)}::json where key = ${key}`;
    });
  }

  forget(key: string, decision: Decision): Promise<boolean> {
    return this.decide(key, decision, async (tx, row) => {
      const codec: ForgottenCodec = { version: row.codecVersion + 1 };
      await tx.$executeRaw`
        update source set codec = ${JSON.stringify(codec)}::json, charset = 'utf-8', locked = false, meaning_pinned = false
        where key = ${key}`;
      await changeMeaning(tx, key, row, 'unknown', 1);
    });
  }

  rename(key: string, name: string, decision: Decision): Promise<boolean> {
    return this.decide(key, decision, async (tx) => {
      await tx.$executeRaw`update source set name = ${name} where key = ${key}`;
    });
  }

  setNumberRules(key: string, rules: NumberRules | null, decision: Decision): Promise<boolean> {
    return this.decide(key, decision, async (tx) => {
      await tx.$executeRaw`
        update source set number_rules = ${rules === null ? null : JSON.stringify(rules)}::json,
          number_rules_version = number_rules_version + 1, numbers_through = null
        where key = ${key}`;
      await tx.$executeRaw`delete from number_form where of_source = ${key}`;
    });
  }

  /** False when there is no such source. */
  private async decide(
    key: string,
    decision: Decision,
    change: (tx: Transaction, row: Locked) => Promise<void>,
  ): Promise<boolean> {
    try {
      return await this.prisma.$transaction(async (tx) => {
        const row = await lockRow(tx, key, decision.at);
        if (row !== undefined) await recorded(tx, key, decision, () => change(tx, row));
        return row !== undefined;
      });
    } catch (error) {
      throw faultOf(error);
    }
  }
}

async function lockRow(tx: Transaction, key: string, at: number): Promise<Locked | undefined> {
  const [row] = await tx.$queryRaw<Locked[]>`
    select serial_meaning as meaning, serial_base as "serialBase",
      coalesce((codec->>'version')::integer, 0) as "codecVersion",
      greatest(
        (select coalesce(min(durable_through), ${new Date(at)}) from receiver
         where stopped_at is null and beat_at > ${new Date(at - RECEIVER_GONE_MS)}),
        to_timestamp((meanings->-1->>'since')::double precision / 1000)
      ) as through
    from source where key = ${key} for update`;
  return row;
}

/** A change takes a new version, which makes every receiver fold again; the same meaning once more changes nothing. */
async function changeMeaning(
  tx: Transaction,
  key: string,
  row: Locked,
  meaning: SerialMeaning,
  serialBase: number,
): Promise<void> {
  if (row.meaning === meaning && row.serialBase === serialBase) return;
  const change: MeaningChange = { since: row.through.getTime(), meaning, serialBase };
  await tx.$executeRaw`
    update source set serial_meaning = ${meaning}, serial_base = ${serialBase}, meaning_version = meaning_version + 1,
      meanings = (coalesce(meanings::jsonb, '[]') || ${JSON.stringify(change)}::jsonb)::json,
      book = null, processed_through = null
    where key = ${key}`;
  await tx.$executeRaw`
    update gap set status = 'explained', closed_at = ${row.through}
    where source_key = ${key} and kind = 'serial' and call_key is null and status = 'open'`;
}
