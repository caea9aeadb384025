/** REST over real HTTP on real PostgreSQL. */
import { readFileSync } from 'node:fs';
import { type TestApi, testApi } from '../support/api.js';
import {
  insertCall,
  insertEvidence,
  insertGap,
  insertQuarantine,
  insertReceiver,
  insertSettings,
  insertSource,
  notification,
  RINGING,
  time,
} from '../support/rows.js';

const CALL_FIELDS = [
  ...['id', 'source', 'callId', 'state', 'disposition', 'dispositionBasis', 'callerNumber', 'calleeNumber'],
  ...['callerE164', 'calleeE164'],
  ...['forwardNumber', 'menuId', 'menuName', 'firstSeenAt', 'ringingAt', 'ringingAtEarliest', 'ringingCode'],
  ...['answeredAt', 'answeredAtEarliest', 'endedAt', 'endedAtEarliest', 'presumedEndedAt', 'endProvenance'],
  ...['ringMs', 'ringMsMin', 'ringMsMax', 'talkMs', 'talkMsMin', 'talkMsMax', 'late', 'conflict'],
  ...['notificationCount', 'duplicateCount', 'missingCount', 'settled', 'revision', 'updatedAt'],
].sort();

let api: TestApi;
let answered: { id: string; callKey: string };
let ringing: { id: string; callKey: string };
let gapId: string;
let quarantineId: string;

beforeAll(async () => {
  api = await testApi();
  await insertSource(api.pool, {
    codec: JSON.stringify({ codec: 'delimited', delimiter: '|', charset: 'gb18030' }),
    serial_meaning: 'per_call',
    locked: true,
  });
  await insertSource(api.pool, { key: 'new', name: 'New IVR', addresses: [], last_heard_at: null });
  await insertReceiver(api.pool);
  await insertSettings(api.pool, { retry: 3 });
  const first = time(-10);
  answered = await insertCall(api.pool, { first_seen_at: first, ringing_code: '180', caller_number: '+442071234567' });
  await insertEvidence(api.pool, answered.callKey, [
    notification(1, '180', first, 2),
    notification(3, 'bye', time(-10, 35_000)),
    notification(2, 'ok', time(-10, 36_000)),
  ]);
  ringing = await insertCall(api.pool, { ...RINGING, first_seen_at: time(-1), stale_at: time(4) });
  gapId = await insertGap(api.pool, { call_key: answered.callKey, call_id: 'x', opened_at: time(-10, 35_000) });
  quarantineId = await insertQuarantine(api.pool, {
    bytes: Buffer.from([0, 255, 10]),
    length: 3000,
    reason: 'oversized',
  });
}, 60_000);
afterAll(() => api.close(), 20_000);

describe('lists', () => {
  test.each(['calls', 'calls/active', 'gaps', 'sources', 'quarantine'])(
    '/%s says what it holds, where it goes on, as of when, and how far each feed can be trusted',
    async (list) => {
      const { status, type, body } = await api.get(`/api/v1/${list}`);
      expect([status, type]).toEqual([200, 'application/json; charset=utf-8']);
      expect(Object.keys(body).filter((name) => name !== 'count' && name !== 'total')).toEqual([
        'data',
        'page',
        'asOf',
        'feed',
      ]);
      expect(body['page']).toEqual({ nextCursor: null });
      expect(body['asOf']).toBe('2026-03-01T12:00:00.000Z');
      expect(body['feed']).toEqual([
        expect.objectContaining({ source: 'ivr', status: 'receiving', lastHeardAt: '2026-03-01T12:00:00.000Z' }),
        { source: 'new', status: 'never', lastHeardAt: null, gaps: 0, heldBackBy: null, spooled: 0 },
      ]);
    },
  );

  test('no list counts all of history (totals are slow); active calls are counted, in their small partition', async () => {
    expect((await api.get('/api/v1/calls')).body).not.toHaveProperty('count');
    expect((await api.get('/api/v1/calls/active?limit=1')).body).toMatchObject({ count: 1 });
  });

  test('history holds ended and open calls, active calls only the open one', async () => {
    const ids = (body: Record<string, unknown>): unknown => (body['data'] as { id: string }[]).map(({ id }) => id);
    expect(ids((await api.get('/api/v1/calls')).body)).toEqual([ringing.id, answered.id]);
    expect(ids((await api.get('/api/v1/calls/active')).body)).toEqual([ringing.id]);
  });
});

describe('a call', () => {
  test('has the fields of the contract and no others', async () => {
    const { data } = (await api.get('/api/v1/calls')).body as { data: object[] };
    expect(data.map((call) => Object.keys(call).sort())).toEqual([CALL_FIELDS, CALL_FIELDS]);
  });

  test('shows what is unknown as null, never as 0 or no', async () => {
    const { body } = await api.get(`/api/v1/calls/${ringing.id}`);
    expect(body).toMatchObject({ disposition: null, answeredAt: null, endedAt: null, talkMs: null, ringMsMax: null });
  });

  test('comes with its notifications in order of receipt and its gaps', async () => {
    const { body } = await api.get(`/api/v1/calls/${answered.id}`);
    expect(body).toMatchObject({ id: answered.id, callerNumber: '+442071234567', ringingCode: '180', talkMs: 30_000 });
    const at = (ms: number): string => time(-10, ms).toISOString();
    expect(body['notifications']).toEqual([
      {
        serial: '1',
        state: '180',
        stateRaw: '180',
        receivedAt: at(0),
        lastReceivedAt: at(3_000),
        copies: 2,
        late: false,
      },
      {
        serial: '3',
        state: 'bye',
        stateRaw: 'bye',
        receivedAt: at(35_000),
        lastReceivedAt: at(35_000),
        copies: 1,
        late: false,
      },
      {
        serial: '2',
        state: 'ok',
        stateRaw: 'ok',
        receivedAt: at(36_000),
        lastReceivedAt: at(36_000),
        copies: 1,
        late: true,
      },
    ]);
    expect(body['gaps']).toEqual([
      expect.objectContaining({ id: gapId, kind: 'state', to: at(35_000), estimatedLost: null }),
    ]);
  });
});

test('a gap, a source, a quarantined datagram and the settings have the fields of the contract', async () => {
  const first = async (path: string): Promise<unknown> => ((await api.get(path)).body['data'] as unknown[])[0];
  expect(await first('/api/v1/gaps')).toEqual({
    ...{ id: gapId, source: 'ivr', kind: 'state', certainty: 'possible', status: 'open', callId: 'x' },
    ...{ fromSerial: null, toSerial: null, from: time(-10, 16_000).toISOString(), to: time(-10, 35_000).toISOString() },
    ...{ openedAt: time(-10, 35_000).toISOString(), deadlineAt: time(-10, 54_000).toISOString(), closedAt: null },
    ...{ estimatedLost: null, detail: 'OK may be missing before the Bye' },
  });
  const source = {
    ...{ key: 'ivr', name: 'Main IVR', addresses: ['192.0.2.1'], codec: 'delimited', charset: 'gb18030', locked: true },
    ...{ serialMeaning: 'per_call', lastHeardAt: '2026-03-01T12:00:00.000Z', feed: 'receiving', ackHealth: 'ok' },
    ...{ ackDiagnosis: 'unknown', copiesPerNotification: 4 / 3, ackP99Ms: null },
    ...{ delimiter: '|', quoted: false, widths: [], lengthBytes: null, byteOrder: null },
    ...{ ackContent: 'call_id_serial', ackDelimiter: null, ackTerminator: null },
    ...{ serialBase: 1, serialMeaningPinned: false, numberCountry: null, numberRewrites: [] },
  };
  expect(await first('/api/v1/sources')).toEqual(source);
  expect((await api.get('/api/v1/sources/ivr')).body).toEqual(source);
  expect(await first('/api/v1/quarantine')).toEqual({
    ...{ id: quarantineId, receivedAt: '2026-03-01T12:00:00.000Z', source: 'ivr', reason: 'oversized' },
    ...{ lastReceivedAt: '2026-03-01T12:00:00.000Z', copies: 1, address: '192.0.2.1', detail: '1 field' },
    ...{ bytesBase64: 'AP8K', length: 3000 },
  });
  expect((await api.get('/api/v1/settings')).body).toEqual({
    ...{ retry: 3, intervalMs: 3000, marginMs: 1000, horizonMs: 10_000, staleRingingMs: 300_000 },
    ...{ staleAnsweredMs: 14_400_000, lossWindowMs: 300_000, retentionDays: 400, maxDatagramBytes: 2048 },
    ...{ udpPort: 8000, udpHosts: ['0.0.0.0'] },
  });
});

test('an answer ratio that hides failures is offered nowhere: calls not answered and unknown are filters of their own', async () => {
  const count = async (disposition: string): Promise<number> =>
    ((await api.get(`/api/v1/calls?disposition=${disposition}`)).body['data'] as unknown[]).length;
  await insertCall(api.pool, {
    disposition: 'not_answered',
    answered_at: null,
    talk_ms: null,
    first_seen_at: time(-30),
  });
  await insertCall(api.pool, { disposition: 'unknown', answered_at: null, talk_ms: null, first_seen_at: time(-31) });
  expect(await Promise.all(['answered', 'not_answered', 'unknown', 'unknown&disposition=answered'].map(count))).toEqual(
    [1, 1, 1, 2],
  );
});

test('a + that was not encoded is still a +: in a number and before an offset', async () => {
  for (const path of [
    'caller=+442071234567',
    'caller=%2B442071234567',
    'caller=+4420*&from=2026-03-01T12:00:00+05:00',
  ]) {
    expect(((await api.get(`/api/v1/calls?${path}`)).body['data'] as { id: string }[]).map(({ id }) => id)).toEqual([
      answered.id,
    ]);
  }
});

describe('health', () => {
  test('it lives and is ready, and says in words which receiver lags', async () => {
    expect((await api.get('/health/live')).body).toEqual({ status: 'live' });
    expect((await api.get('/health/ready')).body).toEqual({
      status: 'ready',
      access: 'open',
      problems: [],
      spool: null,
      asOf: '2026-03-01T12:00:00.000Z',
    });
    await insertReceiver(api.pool, { name: 'receiver-2', durable_through: time(-2) });
    expect((await api.get('/health/ready')).body['problems']).toEqual([
      'Receiver receiver-2 has stored nothing that came after 2026-03-01T11:58:00.000Z: no later call settles until it does or is retired.',
    ]);
    await api.pool.query('delete from receiver');
    expect((await api.get('/health/ready')).body['problems']).toEqual([expect.stringMatching(/^No receiver runs/)]);
    await insertReceiver(api.pool);
  });

  test('without pg_trgm it is ready, says that parts are slow, and README has the statement that mends it', async () => {
    await api.pool.query('drop index call_settled_part_idx');
    const { status, body } = await api.get('/health/ready');
    const [problem] = body['problems'] as string[];
    expect([status, problem]).toEqual([200, expect.stringMatching(/by part .* without an index/)]);
    expect((await api.get('/api/v1/calls?caller=*1234567*')).status).toBe(200);
    const [, mending = ''] =
      /`create extension pg_trgm; (create index [^`]*)`/.exec(readFileSync('README.md', 'utf8')) ?? [];
    await api.pool.query(mending);
    expect((await api.get('/health/ready')).body['problems']).toEqual([]);
  });
});

test('docs are served without the internet, and describe every route', async () => {
  const page = (await api.get('/docs')).body['text'] as string;
  expect(page).not.toMatch(/(?:src|href)="(?:https?:)?\/\//);
  expect((await api.get('/docs/swagger-ui-bundle.js')).status).toBe(200);
  expect(Object.keys((await api.get('/openapi.json')).body['paths'] as object)).toEqual([
    ...['/health/live', '/health/ready', '/metrics'],
    ...['/api/v1/calls', '/api/v1/calls/active', '/api/v1/calls/{id}', '/api/v1/changes'],
    ...['/api/v1/exports/calls', '/api/v1/gaps', '/api/v1/quarantine'],
    ...['/api/v1/sources', '/api/v1/sources/{key}', '/api/v1/sources/{key}/changes', '/api/v1/settings'],
    ...['/api/v1/datagrams', '/api/v1/receiver', '/api/v1/statistics'],
  ]);
});
