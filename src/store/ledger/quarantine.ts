import type { PrismaClient } from '../../generated/prisma/client.js';
import type { QuarantinedDatagram, QuarantineStore } from '../../ingest/ports.js';
import { faultOf } from '../faults.js';

/** Further copies of a row that is there only add to it. */
const KEEP = `/* quarantine_keep */
insert into quarantine as kept
  (id, received_at, last_received_at, copies, source_key, address, reason, detail, bytes, length)
select id, received_at, last_received_at, copies, source_key, address, reason, detail, decode(hex, 'hex'), length
from unnest($1::uuid[], $2::timestamptz[], $3::timestamptz[], $4::integer[], $5::text[], $6::text[], $7::text[],
            $8::text[], $9::text[], $10::integer[])
  as sent (id, received_at, last_received_at, copies, source_key, address, reason, detail, hex, length)
on conflict (id) do update set
  copies = kept.copies + excluded.copies,
  last_received_at = greatest(kept.last_received_at, excluded.last_received_at)`;

/** 1 ms at 10,000 rows: the index in this order is read backwards from its end. */
const DROP_OLDEST = `/* quarantine_drop */
delete from quarantine
where id in (select id from quarantine order by received_at desc, id desc offset $1)`;

/** Quarantine in PostgreSQL: bounded, the oldest rows make room. */
export class PgQuarantineStore implements QuarantineStore {
  constructor(private readonly prisma: PrismaClient) {}

  async keep(datagrams: readonly QuarantinedDatagram[], keepMost: number): Promise<number> {
    try {
      await this.prisma.$executeRawUnsafe(KEEP, ...columnsOf(datagrams));
      return await this.prisma.$executeRawUnsafe(DROP_OLDEST, keepMost);
    } catch (error) {
      throw faultOf(error);
    }
  }
}

function columnsOf(datagrams: readonly QuarantinedDatagram[]): readonly unknown[] {
  return [
    datagrams.map(({ id }) => id),
    datagrams.map(({ receivedAt }) => new Date(receivedAt)),
    datagrams.map(({ lastReceivedAt }) => new Date(lastReceivedAt)),
    datagrams.map(({ copies }) => copies),
    datagrams.map(({ sourceKey }) => sourceKey),
    datagrams.map(({ address }) => address),
    datagrams.map(({ reason }) => reason),
    datagrams.map(({ detail }) => detail.replaceAll('\u0000', '\uFFFD')),
    datagrams.map(({ bytes }) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex')),
    datagrams.map(({ length }) => length),
  ];
}
