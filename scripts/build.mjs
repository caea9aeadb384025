/**
 * Builds `dist` from `src`, when it is missing or older than the sources.
 *
 *   node scripts/build.mjs            build now
 *   node scripts/build.mjs --stale    build if the sources changed since the last build (npm start, after a pull)
 *   node scripts/build.mjs --install  the same, but leave an installation alone that brings no compiler (npm ci --omit=dev)
 *
 * What was built is known by a hash over the sources, not by times: a checkout or a copy changes times and nothing else.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { writeGraphiql } from './graphiql.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const stamp = join(root, 'dist', '.source-hash');
const generated = join(root, 'src', 'generated');
const schemaStamp = join(generated, '.schema-hash');
const graphiqlStamp = join(generated, '.graphiql-hash');
const require = createRequire(import.meta.url);

function filesUnder(folder) {
  return readdirSync(join(root, folder), { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((file) => !file.endsWith('.spec.ts') && !file.includes(join('src', 'generated')))
    .sort();
}

function hashOf(files) {
  const hash = createHash('sha256');
  for (const file of files) hash.update(file.slice(root.length)).update('\0').update(readFileSync(file)).update('\0');
  return hash.digest('hex');
}

function has(file, hash) {
  return existsSync(file) && readFileSync(file, 'utf8') === hash;
}

function installed(name) {
  try {
    return require.resolve(`${name}/package.json`);
  } catch {
    return null;
  }
}

function run(packageName, program, args) {
  const { bin } = require(`${packageName}/package.json`);
  const script = join(installed(packageName), '..', bin[program]);
  const { status } = spawnSync(process.execPath, [script, ...args], { cwd: root, stdio: 'inherit' });
  if (status !== 0) {
    console.error(`The build failed: ${program} found the faults above.`);
    process.exit(1);
  }
}

const [mode] = process.argv.slice(2);
const own = ['package.json', 'tsconfig.json', 'tsconfig.build.json', 'prisma/schema.prisma'].map((name) =>
  join(root, name),
);
const sources = existsSync(join(root, 'src')) ? hashOf([...filesUnder('src'), ...own]) : null;
const fresh = sources === null || has(stamp, sources);
const compiler = ['typescript', 'prisma', '@graphql-yoga/render-graphiql'].every((name) => installed(name) !== null);

if (mode !== undefined && fresh) process.exit(0);
if (!compiler) {
  const built = existsSync(join(root, 'dist', 'cli', 'main.js'));
  if (mode === '--install') {
    if (!built) console.log('No compiler is installed and nothing is built: put a built dist here before starting.');
    process.exit(0);
  }
  console.error(
    'The build is not of these sources, and no compiler is installed to build again: run npm ci, then start.',
  );
  process.exit(1);
}
if (mode === '--stale') console.log('The sources changed since the last build; building, about ten seconds.');

const schema = hashOf([join(root, 'prisma', 'schema.prisma'), installed('prisma')]);
if (!has(schemaStamp, schema)) {
  run('prisma', 'prisma', ['generate']);
  writeFileSync(schemaStamp, schema);
}
const graphiql = hashOf([installed('@graphql-yoga/render-graphiql'), join(root, 'scripts', 'graphiql.mjs')]);
if (!has(graphiqlStamp, graphiql)) {
  await writeGraphiql(join(generated, 'graphiql'));
  writeFileSync(graphiqlStamp, graphiql);
}
rmSync(join(root, 'dist'), { recursive: true, force: true });
run('typescript', 'tsc', ['-p', 'tsconfig.build.json']);
cpSync(join(generated, 'graphiql'), join(root, 'dist', 'generated', 'graphiql'), { recursive: true });
writeFileSync(stamp, sources);
