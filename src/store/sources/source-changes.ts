/** Records what was changed of a source: one append-only row per field, with before and after. */
import { randomUUID } from 'node:crypto';
import type { PrismaClient } from '../../generated/prisma/client.js';
import type { Decision } from '../../sources/ports.js';
import { notationOf } from '../../wire/settings/notation.js';
import { CODEC_NAMES, type Shape } from '../../wire/reading.js';

export type Transaction = Pick<PrismaClient, '$executeRaw' | '$queryRaw'>;

/** What of a source can be changed, as text; null: none. */
type Shown = Readonly<Record<(typeof CHANGED_FIELDS)[number], string | null>>;

/** Named as `/sources` names them. */
const CHANGED_FIELDS = [
  'name',
  'codec',
  'charset',
  'locked',
  'ackForm',
  'serialMeaning',
  'serialBase',
  'serialMeaningPinned',
  'numberRules',
] as const;

interface Row {
  readonly name: string;
  readonly codec: Shape | { readonly codec?: undefined } | null;
  readonly charset: string;
  readonly locked: boolean;
  readonly ackForm: object | null;
  readonly meaning: string;
  readonly base: number;
  readonly pinned: boolean;
  readonly numberRules: object | null;
}

/**
 * Makes a change within a transaction and records what it changed. The caller holds the row's lock, so that nothing comes
 * between before and after. A change that changes nothing leaves no row.
 */
export async function recorded(
  tx: Transaction,
  key: string,
  { at, by }: Decision,
  change: () => Promise<unknown>,
): Promise<void> {
  const before = await shown(tx, key);
  await change();
  const after = await shown(tx, key);
  const fields = CHANGED_FIELDS.filter((field) => before[field] !== after[field]);
  await tx.$executeRaw`
    insert into source_change (source_key, id, at, by, field, before, after)
    select ${key}, id::uuid, ${new Date(at)}, ${by}, field, before, after
    from unnest(${fields.map(() => randomUUID())}::text[], ${fields}::text[],
      ${fields.map((field) => before[field])}::text[], ${fields.map((field) => after[field])}::text[])
      as changed (id, field, before, after)`;
}

async function shown(tx: Transaction, key: string): Promise<Shown> {
  const [row] = await tx.$queryRaw<Row[]>`
    select name, codec, coalesce(codec->>'charset', charset) as charset, locked, ack_form as "ackForm",
      serial_meaning as meaning, serial_base as base, meaning_pinned as pinned,
      number_rules as "numberRules"
    from source where key = ${key}`;
  if (row === undefined) throw new Error('a source that is locked is gone');
  return {
    name: row.name,
    codec: row.codec === null ? null : codecText(row.codec),
    charset: row.charset,
    locked: String(row.locked),
    ackForm: row.ackForm === null ? null : JSON.stringify(row.ackForm),
    serialMeaning: row.meaning,
    serialBase: String(row.base),
    serialMeaningPinned: String(row.pinned),
    numberRules: row.numberRules === null ? null : JSON.stringify(row.numberRules),
  };
}

/** The codec with its options as one word; what is no codec of ours by its own name, one that was forgotten not at all. */
function codecText(stored: NonNullable<Row['codec']>): string | null {
  if (stored.codec === undefined) return null;
  return CODEC_NAMES.includes(stored.codec) ? notationOf(stored) : stored.codec;
}
