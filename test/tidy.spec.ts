/**
 * Guards against what neither the compiler nor the lint sees: a test run narrowed to one, a promise left in a comment, a
 * word with two meanings, and a document that no longer says what the code does.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { IMPORT_TABLE, markdownRows, rowOf } from '../scripts/import-table.mjs';
import { MUTANTS } from '../scripts/mutants.faults.mjs';
import { CONFIG_KEYS } from '../src/config.keys.js';
import * as vocabulary from '../src/notification.js';

const ROOT = join(import.meta.dirname, '..');
const GENERATED = /^(?:src\/generated|node_modules|dist|data|coverage|\.git)(?:\/|$)/;

const sources = ['src', 'test', 'bench', 'scripts', 'prisma'].flatMap(filesUnder);
const documents = [...readdirSync(ROOT), ...filesUnder('docs')].filter((path) => path.endsWith('.md'));

/** Files under a folder, as paths from the root with forward slashes. */
function filesUnder(folder: string): string[] {
  if (!existsSync(join(ROOT, folder))) return [];
  return readdirSync(join(ROOT, folder), { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(ROOT, join(entry.parentPath, entry.name)).replaceAll('\\', '/'))
    .filter((path) => !GENERATED.test(path));
}

function read(path: string): string {
  return existsSync(join(ROOT, path)) ? readFileSync(join(ROOT, path), 'utf8') : '';
}

/** `path:line: text` of every line that matches. */
function linesLike(pattern: RegExp, paths: readonly string[]): string[] {
  return paths.flatMap((path) =>
    read(path)
      .split('\n')
      .flatMap((line, i) => (pattern.test(line) ? [`${path}:${i + 1}: ${line.trim()}`] : [])),
  );
}

/** The text of a `## Title` section of ARCHITECTURE.md up to the next one; null when there is none. */
function section(title: RegExp): string | null {
  const parts = read('ARCHITECTURE.md').split(/^## /m);
  return parts.find((part) => title.test(part.split('\n')[0] ?? '')) ?? null;
}

const code = sources.filter((path) => /\.(?:ts|mjs|cjs)$/.test(path));
const specs = code.filter((path) => path.endsWith('.spec.ts'));

test('no test run is narrowed to one test', () => {
  expect(linesLike(/\b(?:test|it|describe)\.only\b|\b(?:fit|fdescribe)\(/, specs)).toEqual([]);
});

test('a test title states a fact', () => {
  expect(linesLike(/\b(?:test|it)(?:\.each\(.*\))?\(\s*(['"`]).*\bshould\b/, specs)).toEqual([]);
});

test('no promise is left in a comment', () => {
  expect(linesLike(/\b(?:FIX(?:ME)|TO(?:DO)|XX(?:X)|HA(?:CK))\b/, sources)).toEqual([]);
});

test('no barrel hides where a name comes from', () => {
  expect(code.filter((path) => /\/index\.[cm]?[tj]s$/.test(path))).toEqual([]);
});

test('no field is named duration, since ringMs and talkMs say which and in what unit', () => {
  const field = /(?:^|[\s{(,;.])["']?duration["']?[?!]?\s*:/i;
  const column = /^\s*"?duration"?\s/i;
  const schemas = sources.filter((path) => /\.(?:prisma|sql)$/.test(path));
  expect([...linesLike(field, code), ...linesLike(column, schemas)]).toEqual([]);
});

test('everything directly under src has a row in the import table', () => {
  const inSource = sources.filter((path) => path.startsWith('src/')).map((path) => path.slice('src/'.length));
  expect(inSource.filter((path) => rowOf(path) === null)).toEqual([]);
});

test('every row of the import table names rows that exist', () => {
  const known = new Set([...Object.keys(IMPORT_TABLE).map((row) => row.split('/')[0]), 'generated']);
  const unknown = Object.values(IMPORT_TABLE).flatMap((allowed) =>
    allowed.filter((name) => !known.has(name.split('/')[0])),
  );
  expect(unknown).toEqual([]);
});

test('ARCHITECTURE.md prints the import table that the lint holds (node scripts/import-table.mjs)', () => {
  const cells = (line: string): string =>
    line
      .split('|')
      .map((cell) => cell.replaceAll('`', '').trim())
      .join('|');
  const printed = read('ARCHITECTURE.md').split('\n').map(cells);
  expect(markdownRows().filter((row) => !printed.includes(cells(row)))).toEqual([]);
});

test('every value of the vocabulary is in the glossary of ARCHITECTURE.md', () => {
  const glossary = section(/^Glossary/) ?? 'ARCHITECTURE.md has no "## Glossary"';
  const values = Object.values(vocabulary)
    .filter((value) => Array.isArray(value))
    .flat();
  expect(values.length).toBeGreaterThan(20);
  expect({ glossary, missing: values.filter((value) => !glossary.includes(`\`${value}\``)) }).toEqual({
    glossary,
    missing: [],
  });
});

test('.env.example holds the keys of the configuration, each once', () => {
  const keys = read('.env.example')
    .split('\n')
    .flatMap((line) => /^#?\s?([A-Z][A-Z0-9_]*)=/.exec(line)?.[1] ?? []);
  expect(keys.sort()).toEqual(Object.keys(CONFIG_KEYS).sort());
});

test('the table of the configuration in README.md says what .env.example says', () => {
  const rows = Object.entries(CONFIG_KEYS).map(
    ([name, { standard, comment }]) =>
      `| \`${name}\` | ${standard === '' ? 'not set' : `\`${standard}\``} | ${comment} |`,
  );
  const printed = read('README.md')
    .split('\n')
    .filter((line) => /^\| `[A-Z][A-Z0-9_]+` \|/.test(line));
  expect(printed).toEqual(rows);
});

test('every test that docs/needs.md names is there', () => {
  const named = [...read('docs/needs.md').matchAll(/`((?:src|test)\/[^`]+)`((?:,? "[^"]+")*)/g)];
  expect(named.length).toBeGreaterThan(25);
  const missing = named.flatMap(([, path = '', titles = '']) => {
    const text = read(path).replaceAll("\\'", "'");
    const absent = [...titles.matchAll(/"([^"]+)"/g)].filter(([, title = '']) => !text.includes(title));
    return text === '' ? [path] : absent.map(([title]) => `${path}: ${title}`);
  });
  expect(missing).toEqual([]);
});

test('every relative link of a document leads to a file', () => {
  const dead = documents.flatMap((path) =>
    [...read(path).matchAll(/\]\((?!https?:|mailto:|#)([^)#\s]+)/g)].flatMap(([, target = '']) =>
      existsSync(join(ROOT, dirname(path), target)) ? [] : [`${path} -> ${target}`],
    ),
  );
  expect(dead).toEqual([]);
});

test('every deliberate fault of `npm run mutants` still has its text, once, and its tests', () => {
  const stale = MUTANTS.filter(
    ({ file, find, tests }) =>
      read(file).split(find).length !== 2 || !tests.every((one) => sources.some((path) => path.startsWith(one))),
  );
  expect(stale.map(({ title }) => title)).toEqual([]);
});
