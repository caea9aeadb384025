/**
 * The pages for people, /docs and /graphiql, where there is no internet: guards against a script, style or worker that is
 * loaded from elsewhere, or that our own Content-Security-Policy forbids. With a Chromium at hand they are also used.
 */
import { existsSync } from 'node:fs';
import { type Browser, chromium, type Page } from 'playwright-core';
import { keyFor, readRaw } from '../access/kit.js';
import { serveApi, type TestApi, testApi } from '../support/api.js';
import { insertCall, insertReceiver, insertSource } from '../support/rows.js';

/** Chromium takes 2 s to start on an idle machine, and GraphiQL 2 s to draw. */
const SLOW_MS = 90_000;
const CHROMIUM = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(existsSync);
const withChromium = CHROMIUM === undefined ? test.skip : test;

let api: TestApi;
let browser: Browser | null = null;

beforeAll(async () => {
  api = await testApi();
  await insertSource(api.pool);
  await insertReceiver(api.pool);
  await insertCall(api.pool, { call_id: 'a-call-to-be-seen' });
}, SLOW_MS);

afterAll(async () => {
  await browser?.close();
  await api.close();
}, SLOW_MS);

describe.each(['/docs', '/graphiql'])('%s', (path) => {
  test('loads nothing from elsewhere, and everything it loads is there and allowed', async () => {
    const page = await api.get(path);
    expect(page).toMatchObject({ status: 200, type: 'text/html; charset=utf-8' });
    expect(page.headers.get('content-security-policy')).toMatch(
      /^default-src 'self'; style-src 'self' 'unsafe-inline';/,
    );
    const named = [...String(page.body['text']).matchAll(/(?:src|href)="([^"]*)"/g)].map(([, url = '']) => url);
    const assets = named.filter((url) => !url.startsWith('data:')).map((url) => new URL(url, `${api.url}${path}`));
    expect(assets.length).toBeGreaterThanOrEqual(3);
    expect(assets.filter(({ origin }) => origin !== api.url)).toEqual([]);
    for (const { pathname } of assets) {
      const { status, body } = await api.get(pathname);
      const urls = pathname.endsWith('.css') ? [...String(body['text']).matchAll(/url\((["']?)([^)]*?)\1\)/g)] : [];
      const foreign = urls.map(([, , url = '']) => url).filter((url) => !/^(?:data:|#)/.test(url));
      expect({ pathname, status, foreign }).toEqual({ pathname, status: 200, foreign: [] });
    }
    expect(String(page.body['text'])).not.toMatch(/<script>[^<]/);
  });
});

test('the workers of GraphiQL are there; nothing else of its folder is', async () => {
  const statuses = await Promise.all(
    ['editor.worker.js', 'graphql.worker.js', 'json.worker.js', 'LICENSE', '..%2f..%2fconfig.ts'].map(
      async (name) => (await api.get(`/graphiql/${name}`)).status,
    ),
  );
  expect(statuses).toEqual([200, 200, 200, 404, 404]);
});

test('a browser keeps what GraphiQL is made of, and asks whether it still holds', async () => {
  const { headers } = await api.get('/graphiql/graphiql.js');
  expect(headers.get('cache-control')).toBe('no-cache');
  const validator = { 'if-none-match': headers.get('etag') ?? '' };
  expect(await readRaw(api.url, '/graphiql/graphiql.js', validator)).toBe(304);
});

test('introspection and GraphiQL are answered as configured', async () => {
  const schema = '{ __schema { queryType { name } } }';
  expect((await api.graphql(schema)).body['data']).toEqual({ __schema: { queryType: { name: 'Query' } } });
  const shut = await serveApi(api.prisma, () => api.clock.at, { introspection: false, graphiql: false });
  const { status, body } = await shut.graphql(schema);
  const [error] = body['errors'] as { extensions: { code: string } }[];
  expect([status, error?.extensions.code]).toEqual([400, 'GRAPHQL_VALIDATION_FAILED']);
  expect((await shut.graphql('{ settings { retry } }')).body['data']).toEqual({ settings: { retry: 6 } });
  expect((await shut.get('/graphiql')).status).toBe(404);
  expect((await shut.get('/graphiql/graphiql.js')).status).toBe(404);
  await shut.close();
});

/** A page, and what went wrong on it: errors it logged, and requests to anywhere but `api`. */
async function opened(path: string): Promise<{ page: Page; faults: string[] }> {
  browser ??= await chromium.launch({
    ...(CHROMIUM === undefined ? {} : { executablePath: CHROMIUM }),
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--disable-background-networking', '--disable-sync'],
  });
  const page = await browser.newPage();
  const faults: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error') faults.push(message.text());
  });
  page.on('pageerror', (error) => faults.push(error.message));
  page.on('request', (request) => {
    const url = request.url();
    if (!url.startsWith(`${api.url}/`) && !url.startsWith('data:')) faults.push(`asked ${url}`);
  });
  await page.goto(`${api.url}${path}`);
  return { page, faults };
}

withChromium(
  'in Chromium, GraphiQL knows the schema, asks as it is told, and asks nobody else',
  async () => {
    const { page, faults } = await opened('/graphiql');
    await page.getByRole('button', { name: /Execute query/ }).click();
    await page.getByText('a-call-to-be-seen').waitFor();
    await page.getByRole('button', { name: /Documentation Explorer/ }).click();
    await page.getByRole('link', { name: 'Query' }).first().click();
    await page.getByText('deliveryGaps').first().waitFor();
    // A field that is not there is underlined by a worker that read the schema.
    await page.locator('.graphiql-query-editor .view-lines').click();
    await page.keyboard.press('Control+A');
    await page.keyboard.type('{ nothingOfThisName }');
    await page.locator('.graphiql-query-editor .squiggly-error').first().waitFor();
    expect(faults).toEqual([]);
  },
  SLOW_MS,
);

withChromium(
  'in Chromium, /docs shows the routes and tries one, and asks nobody else',
  async () => {
    const { page, faults } = await opened('/docs');
    await page.locator('#operations-ledger-settings .opblock-summary-control').click();
    await page.getByRole('button', { name: 'Try it out' }).click();
    await page.getByRole('button', { name: 'Execute' }).click();
    await page.locator('.live-responses-table .response-col_status', { hasText: '200' }).waitFor();
    expect(faults).toEqual([]);
  },
  SLOW_MS,
);

// The last test: from here on nothing is answered without a key.
withChromium(
  'in Chromium, GraphiQL shows the key it is given under Headers, and keeps it nowhere',
  async () => {
    const { secret } = await keyFor(api.keys, ['calls:read']);
    const { page } = await opened('/graphiql');
    await page.getByRole('button', { name: /Execute query/ }).click();
    await page.getByText('UNAUTHENTICATED').waitFor();
    await page.getByRole('button', { name: 'Headers' }).click();
    await page.locator('.graphiql-editor-tool .view-lines:visible').click();
    await page.keyboard.insertText(JSON.stringify({ authorization: `Bearer ${secret}` }));
    await page.getByRole('button', { name: /Execute query/ }).click();
    await page.getByText('a-call-to-be-seen').waitFor();
    const kept = await page.evaluate('JSON.stringify({ ...localStorage, ...sessionStorage })');
    expect(kept).not.toContain(secret);
  },
  SLOW_MS,
);
