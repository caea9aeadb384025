/**
 * Acks that come too late, as an operator learns of them: /health/ready in words, /metrics in numbers, the log once when it
 * begins. The sender's INTERVAL is 50 ms here and PostgreSQL is held up for longer.
 */
import type pg from 'pg';
import type { Running } from '../../src/main.js';
import { type TestDatabase, testDatabase, testPool } from '../support/database.js';
import { readExposition, valueOf } from '../support/exposition.js';
import { portOf, Sender, startReceiver, until } from '../support/receiver.js';

const SLOW_MS = 30_000;
const HELD_MS = 400;

let database: TestDatabase;
let pool: pg.Pool;
let receiver: Running;
let sender: Sender;

beforeAll(async () => {
  database = await testDatabase();
  pool = testPool(database, 1);
  receiver = await startReceiver(database, {
    IVR_CALL_REPORT_RETRY_INTERVAL: '0.05',
    UDP_ALLOWED_SOURCES: 'office=127.0.0.1',
  });
  sender = await Sender.open();
}, SLOW_MS);

afterAll(async () => {
  sender.close();
  await receiver.stop();
  await pool.end();
  await database.close();
}, SLOW_MS);

async function text(path: string): Promise<string> {
  return (await fetch(`${receiver.http}${path}`)).text();
}

test(
  'an ack later than INTERVAL is a problem in words, a count of retries we caused, and spends the patience meanwhile',
  async () => {
    const held = await pool.connect();
    await held.query('begin; lock table call_evidence in access exclusive mode');
    sender.send(portOf(receiver), 'late,1,Ringing,100,200,,7,Main');
    await until(() => receiver.counts().inFlight === 1);
    await new Promise((resolve) => setTimeout(resolve, HELD_MS));
    const before = readExposition(await text('/metrics'));
    const budgetS = valueOf(before, 'ringledger_loss_budget_seconds') ?? -1;
    const horizonS = valueOf(before, 'ringledger_retry_horizon_seconds') ?? -1;
    expect(horizonS).toBe(1.3);
    expect(budgetS).toBeLessThanOrEqual(horizonS - HELD_MS / 1000);
    await held.query('commit');
    held.release();
    await sender.acked(1);
    const { problems } = JSON.parse(await text('/health/ready')) as { problems: readonly string[] };
    expect(problems).toEqual([
      expect.stringMatching(/^1 of 1 acks to office took longer than 0\.05 s .* made it try 6 more/),
    ]);
    const after = readExposition(await text('/metrics'));
    expect(valueOf(after, 'ringledger_acks_late_total', { source: 'office' })).toBe(1);
    expect(valueOf(after, 'ringledger_retries_caused_total', { source: 'office' })).toBe(6);
    expect(valueOf(after, 'ringledger_loss_budget_seconds')).toBe(horizonS);
  },
  SLOW_MS,
);
