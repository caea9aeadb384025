/**
 * The contract files are printed from the program and kept in the repository, so that a change of the contract is seen
 * in review. `npm run contract` writes them.
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { type TestApi, testApi } from '../support/api.js';
import { contractFiles } from '../support/contract.js';

const FOLDER = fileURLToPath(new URL('../../contract/', import.meta.url));
const WRITE = process.env['CONTRACT_WRITE'] === '1';

let api: TestApi;
let printed: Readonly<Record<string, string>>;
beforeAll(async () => {
  api = await testApi();
  printed = await contractFiles(api);
  if (!WRITE) return;
  await mkdir(FOLDER, { recursive: true });
  for (const [name, text] of Object.entries(printed)) await writeFile(`${FOLDER}${name}`, text);
}, 60_000);
afterAll(() => api.close(), 20_000);

test.each(['schema.graphql', 'openapi.json', 'schema.sql', 'bi.sql', 'metrics.md'])('contract/%s is what the program answers to', async (name) => {
  expect(await readFile(`${FOLDER}${name}`, 'utf8')).toBe(printed[name]);
});
