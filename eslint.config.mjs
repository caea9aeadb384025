/**
 * What STYLE holds by tool, so that nobody argues. The import rules are built from scripts/import-table.mjs; flat config
 * replaces a rule's options instead of merging them, so each row's list is built whole, shorter rows first.
 */
import js from '@eslint/js';
import prettier from 'eslint-config-prettier';
import tseslint from 'typescript-eslint';
import { forbiddenTo, IMPORT_TABLE, PACKAGE_OWNERS, PURE, PURE_PACKAGES } from './scripts/import-table.mjs';

const specOf = (glob) => glob.replace(/\.ts$/, '.spec.ts');

/** Levels of folders below src/ that the import rules reach; a deeper file would be a reason to think again. */
const DEPTH_MAX = 4;

/** A row is a file or a folder. Its files by depth, since only the depth tells what `../sources.js` names. */
function filesByDepth(row) {
  const own = row.split('/').length - 1;
  const folders = Array.from({ length: DEPTH_MAX - own }, (_, i) => ({
    depth: own + 1 + i,
    files: [`src/${row}/${'*/'.repeat(i)}*.ts`],
  }));
  return [{ depth: own, files: [`src/${row}.ts`, `src/${row}.*.ts`] }, ...folders];
}

/** An import of a name directly under src/ from a file so many folders below; `except` are its allowed parts. */
function importPattern({ name, except }, depth) {
  const up = depth === 0 ? '\\./' : `(?:\\.\\./){${depth}}`;
  const spared = except.length === 0 ? '' : `(?!/(?:${except.join('|')})(?:[/.]|$))`;
  return `^${up}${name.replace('.', '\\.')}${spared}(?:[/.]|$)`;
}

function restrictedImports(row, depth) {
  const folder = row.split('/')[0];
  const ours = forbiddenTo(row).map((forbidden) => ({
    regex: importPattern(forbidden, depth),
    message: `${row} may not import ${forbidden.name}: see the table in scripts/import-table.mjs.`,
  }));
  const others = PACKAGE_OWNERS.filter(({ owners }) => !owners.includes(folder)).map(({ packages, why }) => ({
    regex: `^(?:${packages.map((name) => (/[/-]$/.test(name) ? name : `${name}(?:/|$)`)).join('|')})`,
    message: `${why}.`,
  }));
  return [...ours, ...others];
}

/** A pure folder imports nothing from outside but a few named functions; its specs may use a test library. */
function pureImports(row, depth) {
  const names = Object.keys(PURE_PACKAGES).join('|');
  return {
    patterns: [
      ...restrictedImports(row, depth),
      { regex: `^(?!\\.{1,2}/|(?:${names})$)`, message: `${row} is pure: it imports no package and no part of Node.` },
    ],
    paths: Object.entries(PURE_PACKAGES).map(([name, allowImportNames]) => ({
      name,
      allowImportNames: [...allowImportNames],
      message: `${row} is pure: only functions of their arguments come from ${name}.`,
    })),
  };
}

const importRules = Object.keys(IMPORT_TABLE)
  .sort((a, b) => a.length - b.length)
  .flatMap((row) =>
    filesByDepth(row).flatMap(({ depth, files }) => {
      const ordinary = { patterns: restrictedImports(row, depth) };
      if (!PURE.includes(row)) return [{ files, rules: { 'no-restricted-imports': ['error', ordinary] } }];
      return [
        { files, ignores: ['**/*.spec.ts'], rules: { 'no-restricted-imports': ['error', pureImports(row, depth)] } },
        { files: files.map(specOf), rules: { 'no-restricted-imports': ['error', ordinary] } },
      ];
    }),
  );

const IMPURE_GLOBALS = [
  'process',
  'performance',
  'crypto',
  'fetch',
  'setTimeout',
  'setInterval',
  'setImmediate',
  'queueMicrotask',
];

const pureRules = {
  files: PURE.flatMap((row) => [`src/${row}/**/*.ts`, `src/${row}.ts`]),
  ignores: ['**/*.spec.ts'],
  rules: {
    'no-restricted-globals': [
      'error',
      ...IMPURE_GLOBALS.map((name) => ({ name, message: 'Time, chance and environment are arguments here.' })),
    ],
    'no-restricted-properties': [
      'error',
      { object: 'Date', property: 'now', message: 'Time is an argument here.' },
      { object: 'Math', property: 'random', message: 'Chance is an argument here.' },
    ],
    'no-restricted-syntax': [
      'error',
      { selector: "NewExpression[callee.name='Date'][arguments.length=0]", message: 'Time is an argument here.' },
    ],
  },
};

const typescript = {
  files: ['**/*.ts'],
  extends: [js.configs.recommended, ...tseslint.configs.strictTypeChecked],
  languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
  rules: {
    '@typescript-eslint/switch-exhaustiveness-check': [
      'error',
      { considerDefaultExhaustiveForUnions: false, requireDefaultForNonUnion: true },
    ],
    '@typescript-eslint/no-floating-promises': 'error',
    // Nest's modules and controllers are classes that only carry a decorator.
    '@typescript-eslint/no-extraneous-class': ['error', { allowWithDecorator: true }],
    // Nest declares its bags of options as classes, to be given as literals.
    '@typescript-eslint/no-unsafe-class-instance-assignment': 'off',
    // A number in a sentence reads better bare; everything else must be turned into text knowingly.
    '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
    '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
    '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', ignoreRestSiblings: true }],
    'no-restricted-exports': ['error', { restrictDefaultExports: { direct: true, named: true, defaultFrom: true } }],
    'max-lines': ['error', { max: 300 }],
    'max-lines-per-function': ['error', { max: 70 }],
    'max-depth': ['error', 3],
  },
};

const specs = {
  files: ['**/*.spec.ts', 'test/**/*.ts'],
  rules: { 'max-lines-per-function': 'off' },
};

const scripts = {
  files: ['**/*.mjs', '**/*.cjs'],
  extends: [js.configs.recommended],
  languageOptions: {
    globals: Object.fromEntries(Object.getOwnPropertyNames(globalThis).map((name) => [name, 'readonly'])),
  },
};

export default tseslint.config(
  // Clients of users have their types generated when they are tested (test/e2e/clients.spec.ts).
  { ignores: ['dist/', 'data/', 'coverage/', 'src/generated/', 'console/', 'test/clients/', '**/*.d.mts'] },
  // A rule that does not fit is changed here, for everybody and with its reason, not switched off in one place.
  { linterOptions: { noInlineConfig: true } },
  typescript,
  ...importRules,
  pureRules,
  specs,
  { files: ['prisma.config.ts'], rules: { 'no-restricted-exports': 'off' } },
  scripts,
  prettier,
);
