import pg from 'pg';
import { logLine } from './log.mjs';

/** Error codes of Prisma's CLI: the database does not exist; the server cannot be reached. */
const [NO_DATABASE, NO_SERVER] = ['P1003', 'P1001'];

async function onConnection(url, work) {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

/** Runs `work` beside the database `url` names, which may not exist or must not be in use. */
export function besideDatabase(url, work) {
  const beside = new URL(url);
  const database = decodeURIComponent(beside.pathname.slice(1));
  beside.pathname = '/postgres';
  beside.searchParams.delete('schema');
  return onConnection(beside.toString(), (client) => work(client, client.escapeIdentifier(database), database));
}

export function createDatabase(url) {
  return besideDatabase(url, async (client, identifier, databaseName) => {
    await client.query(`create database ${identifier}`);
    return { databaseName };
  });
}

const COMMANDS = {
  'can-connect-to-database': (url) => onConnection(url, () => undefined),
  'create-database': createDatabase,
  'drop-database': (url) => besideDatabase(url, (client, identifier) => client.query(`drop database ${identifier}`)),
};

/** Runs one of the engine's commands and returns its exit code. */
export async function runCommand(name, url) {
  // The Prisma CLI takes the first line of stderr for the engine's greeting.
  logLine('INFO', { message: 'Starting schema engine CLI' });
  try {
    if (COMMANDS[name] === undefined) throw new Error(`The schema engine has no command ${name}.`);
    await COMMANDS[name](url);
    return 0;
  } catch (error) {
    logLine('ERROR', {
      error_code: error.code === '3D000' ? NO_DATABASE : NO_SERVER,
      message: error.message,
      is_panic: false,
    });
    return 1;
  }
}
