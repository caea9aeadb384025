/** A program of a user who has `/openapi.json` and nothing else of ours: its types are generated from it. Prints what it read. */
import createClient from 'openapi-fetch';
import type { paths } from './openapi.js';

const [url = '', key = ''] = process.argv.slice(2);
const client = createClient<paths>({ baseUrl: url, headers: { authorization: `Bearer ${key}` } });

function known<T>({ data, error }: { data?: T; error?: { detail: string } }): T {
  if (data === undefined) throw new Error(error?.detail ?? 'no answer');
  return data;
}

async function settled(): Promise<readonly (readonly [string, number | null])[]> {
  const calls: [string, number | null][] = [];
  let cursor: string | undefined;
  do {
    const query = { settled: true, sort: 'endedAt', limit: 2, ...(cursor === undefined ? {} : { cursor }) } as const;
    const page = known(await client.GET('/api/v1/calls', { params: { query } }));
    calls.push(...page.data.map(({ callId, talkMs = null }): [string, number | null] => [callId, talkMs]));
    cursor = page.page.nextCursor ?? undefined;
  } while (cursor !== undefined);
  return calls;
}

const [first] = known(await client.GET('/api/v1/calls', { params: { query: { callId: ['a'] } } })).data;
const one = known(await client.GET('/api/v1/calls/{id}', { params: { path: { id: first?.id ?? '' } } }));
const gaps = known(await client.GET('/api/v1/gaps', {}));
const changes = known(
  await client.GET('/api/v1/changes', { params: { query: { settled: true, wait: 1, limit: 500 } } }),
);
const statistics = known(
  await client.GET('/api/v1/statistics', { params: { query: { bucket: 'all', groupBy: 'menu' } } }),
);
const active = known(await client.GET('/api/v1/calls/active'));
const sources = known(await client.GET('/api/v1/sources'));
// @ts-expect-error the document has no such parameter
const wrong = await client.GET('/api/v1/calls', { params: { query: { colour: 'red' } } });
// @ts-expect-error nor has a call such a field
void first?.duration;

console.log(
  JSON.stringify({
    settled: await settled(),
    one: { callId: one.callId, states: one.notifications.map(({ state }) => state), gaps: one.gaps.length },
    gaps: gaps.data.map(({ kind, callId }) => [kind, callId]),
    billable: changes.data.filter(({ billable }) => billable).map(({ call }) => [call.callId, call.talkMs]),
    notBillable: changes.data.filter(({ billable }) => !billable).map(({ call, reasons }) => [call.callId, reasons]),
    statistics: statistics.data.map(({ group, calls, answered, answerRatioRung }) => [
      group,
      calls,
      answered,
      answerRatioRung,
    ]),
    active: { count: active.count, calls: active.data.map(({ callId, state }) => [callId, state]) },
    sources: sources.data.map(({ key: sourceKey, name, feed }) => [sourceKey, name, feed]),
    wrong: { status: wrong.response.status, names: wrong.error?.errors?.map(({ parameter }) => parameter) },
  }),
);
