/** Guards against a setting an operator believes he has made: a misspelt name is read by nobody. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CONFIG_KEYS } from '../../src/config.keys.js';
import { meantBy, misspeltNames } from '../../src/config.names.js';

test.each([
  ['UDP_ALLOWED_SOURCE', 'UDP_ALLOWED_SOURCES'],
  ['UDP_ALOWED_SOURCES', 'UDP_ALLOWED_SOURCES'],
  ['IVR_CALL_REPORT_RETRY_INTERVALL', 'IVR_CALL_REPORT_RETRY_INTERVAL'],
  ['IVR_CALL_REPROT_PORT', 'IVR_CALL_REPORT_PORT'],
  ['database_url', 'DATABASE_URL'],
  ['DATABASE-URL', 'DATABASE_URL'],
  ['DATABASEURL', 'DATABASE_URL'],
  ['DATABASE_URI', 'DATABASE_URL'],
  ['RETENTION_DAY', 'RETENTION_DAYS'],
  ['LOG_LEVL', 'LOG_LEVEL'],
])('%s is taken for %s', (name, meant) => {
  expect(meantBy(name)).toBe(meant);
});

test.each([
  'PATH',
  'HOME',
  'NODE_ENV',
  'NODE_OPTIONS',
  'HTTP_PROXY',
  'HTTPS_PROXY',
  'HOSTNAME',
  'LOGNAME',
  'LOG_DIR',
  'PGPORT',
  'npm_config_cache',
  'POSTGRES_PASSWORD',
])('%s is somebody else’s', (name) => {
  expect(meantBy(name)).toBeNull();
});

test("compose hands on every setting that is not where its volume is, or a command's", () => {
  const compose = readFileSync(new URL('../../docker-compose.yml', import.meta.url), 'utf8');
  const own = ['DATA_DIR', 'SPOOL_DIR', 'RINGLEDGER_KEY'];
  const names = Object.keys(CONFIG_KEYS);
  expect(names.filter((name) => !own.includes(name) && !compose.includes(`\n      ${name}:`))).toEqual([]);
});

test('none of our own names is taken for another', () => {
  expect(Object.keys(CONFIG_KEYS).filter((name) => meantBy(name) !== null)).toEqual([]);
});

test('names of .env and of the environment are told, each once and without its value', () => {
  const folder = mkdtempSync(join(tmpdir(), 'ringledger-names-'));
  try {
    writeFileSync(join(folder, '.env'), 'UDP_ALLOWED_SOURCE=hunter2\nHTTP_PORT=3000\n');
    expect(misspeltNames({ UDP_ALLOWED_SOURCE: 'hunter2', LOG_LEVL: 'hunter2' }, folder)).toEqual([
      'UDP_ALLOWED_SOURCE is set and nothing reads it: did you mean UDP_ALLOWED_SOURCES?',
      'LOG_LEVL is set and nothing reads it: did you mean LOG_LEVEL?',
    ]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
