/**
 * The files of GraphiQL, as its package brings them, in a folder of ours: at run time they are served from there, so that an
 * installation needs neither the package nor the internet.
 */
import { copyFileSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

const PACKAGE = '@graphql-yoga/render-graphiql';

/** Writes them into `folder`, which is made anew. */
export async function writeGraphiql(folder) {
  const { js, css, editorWorkerService, graphqlWorker, jsonWorker } = await import(`${PACKAGE}/graphiql`);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const files = {
    'graphiql.js': js,
    'graphiql.css': css,
    'editor.worker.js': editorWorkerService,
    'graphql.worker.js': graphqlWorker,
    'json.worker.js': jsonWorker,
  };
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  const licence = join(dirname(createRequire(import.meta.url).resolve(`${PACKAGE}/package.json`)), 'LICENSE');
  copyFileSync(licence, join(folder, 'LICENSE'));
}
