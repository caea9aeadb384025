/** The same of a user of GraphQL: `getSdk` is generated from the schema and `queries.graphql`, a function a query. */
import { type DocumentNode, print } from 'graphql';
import { getSdk } from './sdk.js';

const [url = '', key = ''] = process.argv.slice(2);

async function ask(query: DocumentNode, variables: unknown): Promise<unknown> {
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` },
    body: JSON.stringify({ query: print(query), variables }),
  });
  const { data, errors } = (await response.json()) as { data: unknown; errors?: { message: string }[] };
  if (errors !== undefined) throw new Error(errors.map(({ message }) => message).join('; '));
  return data;
}

const sdk = getSdk(<R, V>(document: DocumentNode, variables?: V) => ask(document, variables) as Promise<R>);

const settled: (readonly [string, number | null | undefined])[] = [];
let firstId = '';
let after: string | null | undefined;
do {
  const { calls } = await sdk.Settled({ filter: { settled: true }, after });
  for (const { node } of calls.edges) {
    if (node.callId === 'a') firstId = node.id;
    settled.push([node.callId, node.talkMs]);
  }
  after = calls.pageInfo.hasNextPage ? calls.pageInfo.endCursor : null;
} while (after !== null);

const { call: one } = await sdk.OneCall({ id: firstId });
const { changes } = await sdk.Changes();
const { deliveryGaps, statistics, activeCalls, sources } = await sdk.Overview();
const told = changes.edges.map(({ node }) => node);
// @ts-expect-error a filter by a state there is not
const wrong = await sdk.Settled({ filter: { state: ['dialing'] } }).catch((error: unknown) => String(error));
// @ts-expect-error a field that was not asked for
void one?.menuName;

console.log(
  JSON.stringify({
    settled,
    one: { callId: one?.callId, states: one?.notifications.map(({ state }) => state), gaps: one?.gaps.length },
    gaps: deliveryGaps.edges.map(({ node }) => [node.kind, node.callId]),
    billable: told.filter(({ billable }) => billable).map(({ call }) => [call?.callId, call?.talkMs]),
    notBillable: told.filter(({ billable }) => !billable).map(({ call, reasons }) => [call?.callId, reasons]),
    statistics: statistics.data.map((row) => [row.group, row.calls, row.answered, row.answerRatioRung]),
    active: { count: activeCalls.count, calls: activeCalls.edges.map(({ node }) => [node.callId, node.state]) },
    sources: sources.edges.map(({ node }) => [node.key, node.name, node.feed]),
    wrong,
  }),
);
