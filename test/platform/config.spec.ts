import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ConfigError, doubtsOf, loadConfig, parseConfig } from '../../src/config.js';
import { renderEnvExample } from '../../src/config.keys.js';

function faultsOf(env: Record<string, string>): readonly string[] {
  try {
    parseConfig(env);
  } catch (error) {
    if (error instanceof ConfigError) return error.faults;
    throw error;
  }
  return [];
}

test('nothing set is the public contract', () => {
  expect(parseConfig({}, '/srv')).toEqual({
    reportPort: 8000,
    retry: 6,
    intervalMs: 3000,
    marginMs: 1000,
    udpHosts: ['0.0.0.0'],
    udpAllowedSources: null,
    udpDatagramBytesMax: 8192,
    udpReceiveBufferBytes: 8_388_608,
    twinPort: null,
    twinHost: '127.0.0.1',
    twinPath: 'CallStateReport',
    twinAllowedSources: null,
    twinBodyBytesMax: 8192,
    httpHost: '127.0.0.1',
    httpPort: 3000,
    ...{ initialAdminKeyFile: null, trustProxy: null, corsOrigins: [], requestsPerS: 100 },
    ...{ graphqlIntrospection: true, graphiql: true },
    databaseUrl: null,
    databaseConnectionsMax: 10,
    dataDir: '/srv/data',
    spoolDir: '/srv/data/spool',
    spoolBytesMax: 1_073_741_824,
    spoolFreeBytesMin: 268_435_456,
    spoolAfterMs: 1000,
    staleRingingMs: 300_000,
    staleAnsweredMs: 14_400_000,
    retentionDays: 400,
    lossWindowMs: 300_000,
    heartbeatIntervalMs: 1000,
    ingestQueueMax: 20_000,
    ingestBatchMax: 1000,
    quarantineMax: 100_000,
    logLevel: 'info',
    logFormat: 'pretty',
  });
});

test('every fault is in one error, with no value in it', () => {
  const env = {
    IVR_CALL_REPORT_PORT: '99999-secret',
    IVR_CALL_REPORT_RETRY_INTERVAL: '1e3-secret',
    UDP_HOST: '127.0.0.1,secret.example',
    UDP_ALLOWED_SOURCES: 'east=10.0.0.0/33-secret',
    DATABASE_URL: 'mysql://root:secret@db/ledger',
    LOG_LEVEL: 'secret',
    HTTP_HOST: 'secret.example.com',
    TRUST_PROXY: 'true',
    CORS_ORIGINS: '*',
    INGEST_QUEUE_MAX: '10',
  };
  const faults = faultsOf(env);
  expect(faults.map((fault) => fault.split(' ')[0])).toEqual([
    'IVR_CALL_REPORT_PORT',
    'IVR_CALL_REPORT_RETRY_INTERVAL',
    'UDP_HOST',
    'UDP_ALLOWED_SOURCES',
    'HTTP_HOST',
    'TRUST_PROXY',
    'CORS_ORIGINS',
    'DATABASE_URL',
    'LOG_LEVEL',
    'INGEST_BATCH_MAX',
  ]);
  expect(new ConfigError(faults).message).not.toMatch(/secret|99999/);
});

test.each([
  ['a stale limit within the retry horizon', { STALE_RINGING_S: '19' }, ['STALE_RINGING_S']],
  [
    'a retry horizon above both limits',
    { IVR_CALL_REPORT_RETRY_INTERVAL: '3000' },
    ['STALE_RINGING_S', 'STALE_ANSWERED_S'],
  ],
  ['heartbeats further apart than the horizon', { HEARTBEAT_INTERVAL_MS: '19000' }, ['HEARTBEAT_INTERVAL_MS']],
  ['retention shorter than an open call', { RETENTION_DAYS: '1', STALE_ANSWERED_S: '86400' }, ['RETENTION_DAYS']],
  ['any proxy at all', { TRUST_PROXY: '0' }, ['TRUST_PROXY']],
  ['an origin with a path', { CORS_ORIGINS: 'https://a.example/console' }, ['CORS_ORIGINS']],
  ['an address bound twice', { UDP_HOST: '10.0.0.1, 10.0.0.1' }, ['UDP_HOST']],
])('%s is refused', (_, env, names) => {
  expect(faultsOf(env as Record<string, string>).map((fault) => fault.split(' ')[0])).toEqual(names);
});

test.each([
  ['a fraction of a second between tries', { IVR_CALL_REPORT_RETRY_INTERVAL: '0.25' }, { intervalMs: 250 }],
  ['several addresses of both families', { UDP_HOST: '10.0.0.1, ::1' }, { udpHosts: ['10.0.0.1', '::1'] }],
  ['a blank variable is not set', { DATABASE_URL: ' ', HTTP_PORT: '' }, { databaseUrl: null, httpPort: 3000 }],
  ['named sources', { UDP_ALLOWED_SOURCES: 'east=10.0.0.0/8,::1' }, { udpAllowedSources: 'east=10.0.0.0/8,::1' }],
  ['HTTP on the loopback of IPv6', { HTTP_HOST: '::1' }, { httpHost: '::1' }],
  ['HTTP for other machines, which needs a key', { HTTP_HOST: '::' }, { httpHost: '::' }],
  ['so many proxies', { TRUST_PROXY: '2' }, { trustProxy: 2 }],
  ['proxies by address', { TRUST_PROXY: '10.0.0.1, fd00::/8' }, { trustProxy: ['10.0.0.1', 'fd00::/8'] }],
])('%s', (_, env, part) => {
  expect(parseConfig(env as Record<string, string>)).toMatchObject(part);
});

test.each([
  ['below the interval', { SPOOL_AFTER_MS: '2999' }, 0],
  ['at the interval', { SPOOL_AFTER_MS: '3000' }, 1],
  ['above an interval shorter than the standard', { IVR_CALL_REPORT_RETRY_INTERVAL: '0.5' }, 1],
  [
    'after the only try of an IVR',
    { SPOOL_AFTER_MS: '30000', IVR_CALL_REPORT_RETRY: '0', HEARTBEAT_INTERVAL_MS: '100' },
    0,
  ],
])('a spool that takes over %s is no fault, and is doubted where the IVR sends again before', (_, env, doubts) => {
  const config = parseConfig(env);
  expect(doubtsOf(config)).toHaveLength(doubts);
});

test('the environment wins over .env, and neither changes the process', () => {
  const folder = mkdtempSync(join(tmpdir(), 'ringledger-config-'));
  try {
    writeFileSync(join(folder, '.env'), 'HTTP_PORT=3001\nIVR_CALL_REPORT_PORT=8001\n');
    expect(loadConfig({ HTTP_PORT: '3002' }, folder)).toMatchObject({ httpPort: 3002, reportPort: 8001 });
    expect(process.env.IVR_CALL_REPORT_PORT).toBeUndefined();
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('.env.example names every variable as the program reads it', () => {
  expect(readFileSync(new URL('../../.env.example', import.meta.url), 'utf8')).toBe(renderEnvExample());
});
