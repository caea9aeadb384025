/**
 * The receiver one would write first: a transaction per datagram over a pool of 32 connections, ack after commit. It keeps
 * the notification under a unique key and the call in one row; it has no bounds, dispositions, gaps or raw partitions.
 */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import pg from 'pg';

const POOL = 32;

const SCHEMA = `
create table if not exists naive_notification (
  source text not null, call_id text not null, serial text not null, state text not null,
  received_at timestamptz not null, payload text not null,
  primary key (source, call_id, serial, state)
);
create table if not exists naive_call (
  source text not null, call_id text not null, caller text, callee text, forward text, menu_id text, menu_name text,
  ringing_at timestamptz, answered_at timestamptz, ended_at timestamptz,
  primary key (source, call_id)
);
create index if not exists naive_call_ringing_at_idx on naive_call (ringing_at desc)`;

const KEEP = `
insert into naive_notification values ($1, $2, $3, $4, $5, $6) on conflict do nothing`;

const UPSERT = `
insert into naive_call as kept values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
on conflict (source, call_id) do update set
  ringing_at = least(kept.ringing_at, excluded.ringing_at),
  answered_at = least(kept.answered_at, excluded.answered_at),
  ended_at = least(kept.ended_at, excluded.ended_at)`;

async function keep(pool: pg.Pool, source: string, payload: string): Promise<string> {
  const [callId = '', serial = '', state = '', ...content] = payload.split(',');
  const at = new Date();
  const times = [state.startsWith('Ringing') ? at : null, state === 'OK' ? at : null, state === 'Bye' ? at : null];
  const client = await pool.connect();
  try {
    await client.query('begin');
    await client.query({ name: 'keep', text: KEEP, values: [source, callId, serial, state, at, payload] });
    await client.query({ name: 'upsert', text: UPSERT, values: [source, callId, ...content, ...times] });
    await client.query('commit');
  } finally {
    client.release();
  }
  return `${callId},${serial}`;
}

const [url] = process.argv.slice(2);
const pool = new pg.Pool({ connectionString: url, max: POOL });
await pool.query(SCHEMA);
const socket = createSocket({ type: 'udp4', recvBufferSize: 4 * 1024 * 1024 });
socket.on('message', (bytes, { address, port }) => {
  void keep(pool, address, bytes.toString('latin1')).then((ack) => {
    socket.send(ack, port, address);
  });
});
socket.bind(0, '127.0.0.1');
await once(socket, 'listening');
console.log(String(socket.address().port));
process.once('SIGTERM', () => {
  process.exit(0);
});
