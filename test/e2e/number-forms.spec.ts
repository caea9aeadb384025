/** Numbers in E.164 by a source's rules: of calls that were there and calls that come, without a restart. */
import type { Running } from '../../src/main.js';
import { type TestDatabase, testDatabase, testPool } from '../support/database.js';
import { portOf, Sender, startReceiver, until } from '../support/receiver.js';
import { insertCall, insertSource, time } from '../support/rows.js';

let database: TestDatabase;
let receiver: Running;
let sender: Sender;

beforeAll(async () => {
  database = await testDatabase();
  const pool = testPool(database);
  await insertSource(pool);
  await insertCall(pool, { call_id: 'old', caller_number: '02071234567', callee_number: 'anonymous' });
  await insertCall(pool, { call_id: 'older', caller_number: '0033142345678', first_seen_at: time(-5) });
  await insertCall(pool, { call_id: 'foreign', source_key: 'other', caller_number: '02071234567' });
  await pool.end();
  receiver = await startReceiver(database, { HEARTBEAT_INTERVAL_MS: '50' });
  sender = await Sender.open();
});

afterAll(async () => {
  sender.close();
  await receiver.stop();
  await database.close();
});

async function calls(query: string): Promise<Record<string, unknown>[]> {
  const answer = await fetch(`${receiver.http}/api/v1/${query}`);
  return ((await answer.json()) as { data: Record<string, unknown>[] }).data;
}

async function forms(query: string): Promise<unknown[][]> {
  const found = await calls(`calls?sort=firstSeenAt&${query}`);
  return found.map(({ callId, callerE164, calleeE164 }) => [callId, callerE164, calleeE164]);
}

async function rule(given: string): Promise<Record<string, unknown>> {
  const query = `mutation { done: setSourceNumberRules(${given}) { numberCountry numberRewrites } }`;
  const headers = { 'content-type': 'application/json' };
  const answer = await fetch(`${receiver.http}/graphql`, { method: 'POST', headers, body: JSON.stringify({ query }) });
  return (await answer.json()) as Record<string, unknown>;
}

test('without rules there is none', async () => {
  expect(await forms('callId=old')).toEqual([['old', null, null]]);
});

test('rules that are set read the calls that are there, of their source alone', async () => {
  expect(await rule('key: "ivr", country: "gb"')).toMatchObject({
    data: { done: { numberCountry: 'GB', numberRewrites: [] } },
  });
  await until(async () => (await forms('callId=old'))[0]?.[1] !== null, 10_000);
  expect(await forms('callerE164=%2B44*&callerE164=33142345678')).toEqual([
    ['older', '+33142345678', null],
    ['old', '+442071234567', null],
  ]);
  expect(await forms('callerE164=*71234*')).toEqual([['old', '+442071234567', null]]);
  expect(await forms('callId=foreign')).toEqual([['foreign', null, null]]);
});

test('calls that come are read as well, and the export and the feed of changes show it', async () => {
  sender.send(portOf(receiver), 'new-0,1,Ringing,92125550100,442079876500,1001,7,Main menu');
  await sender.acked(1, 10_000);
  await rule(
    'key: "127.0.0.1", rewrites: [{ pattern: "^9(\\\\d{10})$", replacement: "+1$1" }, { pattern: "^", replacement: "+" }]',
  );
  sender.send(portOf(receiver), 'new-1,1,Ringing,92125550123,442079876543,1001,7,Main menu');
  await sender.acked(2, 10_000);
  await until(async () => (await forms('callId=new-1'))[0]?.[1] !== null, 10_000);
  expect(await forms('calleeE164=442079876543')).toEqual([['new-1', '+12125550123', '+442079876543']]);
  const csv = await fetch(`${receiver.http}/api/v1/exports/calls?callId=new-1&columns=callerE164,calleeE164,state`);
  expect(await csv.text()).toBe('callerE164,calleeE164,state\r\n+12125550123,+442079876543,ringing\r\n');
  const [change] = await calls('changes?source=127.0.0.1');
  const { call } = change as { call: unknown };
  expect(call).toMatchObject({ callId: 'new-0', callerE164: '+12125550100' });
});

test('rules that are changed void what was read, and are kept with before and after', async () => {
  expect(await rule('key: "ivr", country: "FR"')).toMatchObject({ data: { done: { numberCountry: 'FR' } } });
  await until(async () => (await forms('callId=older'))[0]?.[1] === '+33142345678', 10_000);
  expect(await forms('callId=old')).not.toEqual([['old', '+442071234567', null]]);
  await rule('key: "ivr"');
  expect(await forms('source=ivr&callerE164=%2B*')).toEqual([]);
  const answer = await fetch(`${receiver.http}/api/v1/sources/ivr/changes`);
  const { data } = (await answer.json()) as { data: unknown[] };
  expect(data).toMatchObject([
    { field: 'numberRules', before: '{"country":"FR","rewrites":[]}', after: null },
    { field: 'numberRules', before: '{"country":"GB","rewrites":[]}', after: '{"country":"FR","rewrites":[]}' },
    { field: 'numberRules', before: null, after: '{"country":"GB","rewrites":[]}' },
  ]);
});

test('faulty rules are refused with every fault', async () => {
  const answer = await rule('key: "ivr", country: "XX", rewrites: [{ pattern: "(1+)+", replacement: "x" }]');
  expect(answer).toMatchObject({
    errors: [
      {
        extensions: {
          errors: [
            { parameter: 'country' },
            { parameter: 'rewrites[0].pattern' },
            { parameter: 'rewrites[0].replacement' },
          ],
        },
      },
    ],
  });
});
