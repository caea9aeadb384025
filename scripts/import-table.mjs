/**
 * Who may import whom: the one definition. ESLint and dependency-cruiser build their rules from it, ARCHITECTURE.md
 * repeats it and test/tidy.spec.ts compares the two. `node scripts/import-table.mjs` prints the table for
 * ARCHITECTURE.md.
 *
 * A name is a folder or file directly under src/ (`wire`, `clock`), or a part of one (`store/database`): naming only the
 * part allows only the part. Every folder may import itself. A longer row name (`cli/start`) takes precedence over a
 * shorter one (`cli`).
 */

/** Pure: no framework, clock, randomness or environment; a record decided here can be decided again. */
export const PURE = ['notification', 'wire', 'delivery', 'lifecycle'];

/** What pure folders may import from outside: byte checks without state, and hashes of their arguments. */
export const PURE_PACKAGES = { 'node:buffer': ['isAscii', 'isUtf8'], 'node:crypto': ['hash'], uuid: ['v5'] };

const LEAVES = ['clock', 'config', 'log', 'metrics'];
const PORTS = [
  'ingest/ports',
  'ingest/sweep/sweep.ports',
  'ingest/rebuild/rebuild.ports',
  'ingest/operator/replay.ports',
  'sources/ports',
  'fanout/ports',
  'access/ports',
];
const PARTS = ['transport', 'sources', 'ingest', 'store', 'query', 'access', 'fanout', 'api', 'ops'];

/** @type {Readonly<Record<string, readonly string[]>>} */
export const IMPORT_TABLE = {
  notification: [],
  clock: [],
  config: ['notification'],
  log: ['config'],
  metrics: ['notification'],
  wire: ['notification'],
  delivery: ['notification'],
  lifecycle: ['notification', 'delivery'],
  transport: [],
  sources: ['notification', 'delivery', 'wire', ...LEAVES],
  ingest: ['notification', 'delivery', 'lifecycle', 'wire', 'sources', 'transport', ...LEAVES],
  access: ['notification', ...LEAVES],
  fanout: ['notification', 'lifecycle', ...LEAVES],
  store: [...PURE, ...PORTS, 'generated', ...LEAVES],
  query: [...PURE, 'access', 'store/database', 'store/peaks', 'generated', ...LEAVES],
  api: [...PURE, 'query', 'access', 'sources', 'ingest', 'fanout', ...LEAVES],
  ops: ['query', 'access', 'sources', 'ingest', 'transport', 'fanout', 'store/database', ...LEAVES],
  simulator: ['notification', 'wire', 'transport', ...LEAVES],
  cli: ['simulator', 'wire', 'transport', 'store', ...LEAVES],
  'cli/keys': ['access', 'store', ...LEAVES],
  'cli/rebuild': ['ingest', 'store', ...LEAVES],
  'cli/seed': ['simulator', 'ingest', 'delivery', 'lifecycle', 'notification', 'store', ...LEAVES],
  'cli/start': ['simulator', 'wire', 'transport', 'store', 'main', ...LEAVES],
  'app.module': [...PURE, ...PARTS, ...LEAVES],
  main: [...PURE, ...PARTS, 'app.module', ...LEAVES],
};

/** Packages that one concern alone may touch, each with the reason. A name ending in `/` or `-` stands for all that begin so. */
export const PACKAGE_OWNERS = [
  {
    packages: ['dgram', 'node:dgram'],
    owners: ['transport'],
    why: 'transport alone knows sockets: an ack must leave from the socket that received',
  },
  {
    packages: ['pg', 'pg-', '@prisma/'],
    owners: ['store', 'query'],
    why: 'store and query alone know SQL',
  },
  {
    packages: ['graphql', 'graphql-', '@nestjs/graphql', '@nestjs/apollo', '@apollo/', '@as-integrations/'],
    owners: ['api'],
    why: 'api alone knows GraphQL',
  },
];

/** The names directly under src/, each once. */
export const TOP_LEVEL = [...new Set([...Object.keys(IMPORT_TABLE).map((row) => row.split('/')[0]), 'generated'])];

/** The row a path under src/ (`cli/start.ts`) falls under; null when it has none. */
export function rowOf(path) {
  const rows = Object.keys(IMPORT_TABLE).filter((row) => path.startsWith(`${row}/`) || path.startsWith(`${row}.`));
  return rows.sort((a, b) => b.length - a.length)[0] ?? null;
}

/**
 * What a row may not import, for rules that match the name behind the dots: `{ name, except }`, where `except` are
 * the parts of it that are allowed.
 */
export function forbiddenTo(row) {
  const allowed = IMPORT_TABLE[row];
  const own = row.split('/')[0];
  return TOP_LEVEL.filter((name) => name !== own && !allowed.includes(name)).map((name) => ({
    name,
    except: allowed.filter((one) => one.startsWith(`${name}/`)).map((one) => one.slice(name.length + 1)),
  }));
}

/** A whole group reads better by its name. */
function abbreviate(allowed) {
  const groups = Object.entries({ 'the pure ones': PURE, 'the leaves': LEAVES });
  return groups.reduce(
    (names, [title, group]) =>
      group.every((name) => names.includes(name)) ? [...names.filter((name) => !group.includes(name)), title] : names,
    allowed,
  );
}

/** The rows as ARCHITECTURE.md prints them. */
export function markdownRows() {
  const rows = Object.entries(IMPORT_TABLE).map(([row, allowed]) => [row, abbreviate(allowed).join(', ') || 'nothing']);
  return [
    ...rows.map(([row, allowed]) => `| ${row} | ${allowed} |`),
    `| the pure ones | stands for ${PURE.join(', ')} |`,
    `| the leaves | stands for ${LEAVES.join(', ')} |`,
  ];
}

if (process.argv[1] === new URL(import.meta.url).pathname) {
  console.log(['| folder or file | may import |', '|---|---|', ...markdownRows()].join('\n'));
}
