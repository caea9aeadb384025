/**
 * The boundaries again, over the whole graph: unlike the lint it follows `import()`, and it sees cycles and files
 * nobody uses. Built from the same table.
 */
import { builtinModules } from 'node:module';
import { IMPORT_TABLE, PACKAGE_OWNERS, PURE, PURE_PACKAGES, rowOf } from './scripts/import-table.mjs';

const literal = (text) => text.replaceAll('.', '\\.');
const inRow = (row) => `^src/${literal(row)}[/.]`;

/** Files of a row, without those a longer row speaks for (`cli/start` inside `cli`). */
function fromRow(row) {
  const longer = Object.keys(IMPORT_TABLE).filter((other) => other.startsWith(`${row}/`) && rowOf(other) !== null);
  return longer.length === 0 ? { path: inRow(row) } : { path: inRow(row), pathNot: longer.map(inRow) };
}

const table = Object.entries(IMPORT_TABLE).map(([row, allowed]) => ({
  name: `${row}-imports`,
  comment: `${row} may import ${allowed.join(', ') || 'nothing of ours'}: the table in scripts/import-table.mjs says so.`,
  severity: 'error',
  from: fromRow(row),
  to: { path: '^src/', pathNot: [row.split('/')[0], ...allowed].map(inRow) },
}));

/** dependency-cruiser names a package by its folder and a part of Node without its prefix. */
const packagePath = (name) => `^(?:node_modules/)?${name}${/[/-]$/.test(name) ? '' : '(?:/|$)'}`;

const packages = PACKAGE_OWNERS.map(({ packages: names, owners, why }) => ({
  name: `${owners.join('-and-')}-alone`,
  comment: `${why}.`,
  severity: 'error',
  from: { path: '^src/', pathNot: [...owners, 'generated'].map(inRow) },
  to: { path: names.map(packagePath) },
}));

const pureOutside = Object.keys(PURE_PACKAGES).map((name) => name.replace(/^node:/, ''));

/** @type {import('dependency-cruiser').IConfiguration} */
export default {
  forbidden: [
    {
      name: 'no-circular',
      comment: 'Two files that need each other are one file, or hide a third: neither can be read or tested alone.',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'no-orphans',
      comment: 'A file nobody imports is dead; what tools and tests start is named here.',
      severity: 'error',
      from: { orphan: true, path: '^src/', pathNot: ['\\.spec\\.ts$', '^src/cli/main\\.ts$'] },
      to: {},
    },
    {
      name: 'pure-core',
      comment:
        'A record decided from its arguments alone can be decided again: by a rebuild, a test, another receiver.',
      severity: 'error',
      from: { path: PURE.map(inRow), pathNot: '\\.spec\\.ts$' },
      to: {
        path: [`^(?:${builtinModules.join('|')})$`, '^node_modules/'],
        pathNot: pureOutside.map(packagePath),
      },
    },
    {
      name: 'no-specs-in-product',
      comment: 'What ships must not need what tests it.',
      severity: 'error',
      from: { path: '^src/', pathNot: '\\.spec\\.ts$' },
      to: { path: ['\\.spec\\.ts$', '^test/'] },
    },
    ...table,
    ...packages,
  ],
  options: {
    doNotFollow: { path: ['node_modules', '^src/generated/'] },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    combinedDependencies: false,
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default', 'types'] },
  },
};
