/**
 * Clients as users make them: types generated from the running server's `/openapi.json`, functions from its GraphQL schema,
 * compiled under `strict`, run as programs of their own against it. Guards against a document that a generator refuses, and
 * against an answer that is not what its types say.
 */
import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { codegen } from '@graphql-codegen/core';
import * as sdk from '@graphql-codegen/typescript-generic-sdk';
import * as operations from '@graphql-codegen/typescript-operations';
import * as typescript from '@graphql-codegen/typescript';
import { buildClientSchema, getIntrospectionQuery, type IntrospectionQuery, parse, printSchema } from 'graphql';
import openapiTypes, { astToString } from 'openapi-typescript';
import { PgLedgerStore } from '../../src/store/ledger/ledger.js';
import { settle } from '../../src/store/sweep/sweep.settle.js';
import { keyFor } from '../access/kit.js';
import { type TestApi, testApi } from '../support/api.js';
import { arrival, EPOCH } from '../support/arrivals.js';
import { life, LONG_AFTER, SOURCE, stage, write } from '../support/lives.js';
import { insertGap, insertReceiver, insertSource } from '../support/rows.js';

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL('../../', import.meta.url));
/** Two generators and a compiler. */
const SLOW_MS = 120_000;

let api: TestApi;
let key: string;
/** A user's project: what is generated, and the packages beside it. */
let folder: string;

beforeAll(async () => {
  api = await testApi();
  api.clock.at = new Date(EPOCH + 60_000);
  await insertSource(api.pool, { key: SOURCE, name: 'Main IVR', last_heard_at: api.clock.at });
  await insertReceiver(api.pool, { beat_at: api.clock.at, durable_through: api.clock.at });
  const ledger = new PgLedgerStore(api.prisma, { now: () => api.clock.at.getTime() });
  await write(ledger, ...life('a', 20_000));
  await write(ledger, ...life('b', 30_000));
  await write(ledger, ...life('c', 40_000), arrival('c', '7', 'ok', 1_500));
  await settle(api.prisma, LONG_AFTER, api.clock.at.getTime(), 1_000);
  await write(ledger, stage('d', 0));
  const { rows } = await api.pool.query<{ call_key: string }>("select call_key from call where call_id = 'a'");
  const opened = { opened_at: new Date(EPOCH), source_key: SOURCE };
  await insertGap(api.pool, { ...opened, call_key: rows[0]?.call_key, call_id: 'a', status: 'lost' });
  key = (await keyFor(api.keys, ['calls:read', 'gaps:read', 'changes:read', 'stats:read'])).secret;
  folder = mkdtempSync(join(tmpdir(), 'ringledger-clients-'));
  cpSync(join(ROOT, 'test', 'clients'), folder, { recursive: true });
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
}, SLOW_MS);

afterAll(async () => {
  rmSync(folder, { recursive: true, force: true });
  await api.close();
}, 20_000);

/** Compiles the program `name` with what was generated for it, and runs it; what it printed. */
async function used(name: string): Promise<Record<string, unknown>> {
  const options = ['--strict', '--target', 'es2022', '--module', 'nodenext', '--skipLibCheck', '--types', 'node'];
  const tsc = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc');
  const compiled = await run(process.execPath, [tsc, ...options, `${name}.ts`], { cwd: folder }).catch(
    (error: unknown) => error as { stdout: string },
  );
  expect(compiled.stdout).toBe('');
  const { stdout } = await run(process.execPath, [join(folder, `${name}.js`), api.url, key]);
  return JSON.parse(stdout) as Record<string, unknown>;
}

/** What both programs read, each in its own way. */
const READ = {
  settled: [
    ['a', 19_000],
    ['b', 29_000],
    ['c', 39_000],
  ],
  one: { callId: 'a', states: ['ringing', 'ok', 'bye'], gaps: 1 },
  gaps: [['state', 'a']],
  billable: [
    ['a', 19_000],
    ['b', 29_000],
  ],
  notBillable: [['c', ['conflict']]],
  statistics: [['7', 4, 3, 1]],
  active: { count: 1, calls: [['d', 'ringing']] },
  sources: [[SOURCE, 'Main IVR', 'receiving']],
};

test(
  'a client generated from /openapi.json reads calls, a call, gaps, changes, statistics, active calls and sources',
  async () => {
    const document = JSON.stringify((await api.get('/openapi.json')).body);
    writeFileSync(join(folder, 'openapi.ts'), astToString(await openapiTypes(document)));
    expect(await used('rest')).toEqual({ ...READ, wrong: { status: 400, names: ['colour'] } });
  },
  SLOW_MS,
);

test(
  'a client generated from the GraphQL schema reads the same',
  async () => {
    const { body } = await api.graphql(getIntrospectionQuery());
    const schema = buildClientSchema(body['data'] as IntrospectionQuery);
    const queries = readFileSync(join(folder, 'queries.graphql'), 'utf8');
    const generated = await codegen({
      filename: 'sdk.ts',
      schema: parse(printSchema(schema)),
      documents: [{ location: 'queries.graphql', document: parse(queries) }],
      config: {
        ...{ strictScalars: true, enumsAsTypes: true, useTypeImports: true, documentMode: 'documentNode' },
        scalars: { Instant: 'string', Milliseconds: 'number' },
      },
      plugins: [{ typescript: {} }, { operations: {} }, { sdk: {} }],
      pluginMap: { typescript, operations, sdk },
    });
    writeFileSync(join(folder, 'sdk.ts'), generated);
    const { wrong, ...read } = await used('graphql');
    expect(read).toEqual(READ);
    expect(wrong).toMatch(/dialing/);
  },
  SLOW_MS,
);
