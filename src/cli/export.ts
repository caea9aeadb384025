/** `ringledger export`: calls as a file, over HTTP; what was cut off goes on with --resume. */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { Command, Option } from 'commander';
import { addFilterOptions, type FilterFlags, filtersOf } from './export/filters.js';
import { Part } from './export/part.js';
import { Segments } from './export/segments.js';
import { configuredApi, Server } from './field/server.js';

/** Commander's reading of the options; those of filters have the names of REST. */
interface Flags extends FilterFlags {
  readonly api: string;
  readonly format: string;
  readonly columns?: string;
  readonly tz: string;
  readonly sort: string;
  readonly bom?: true;
  readonly gzip?: true;
  readonly out: string;
  readonly resume?: true;
}

/** Where segments go. */
interface Sink {
  readonly rows: number;
  readonly cursor: string | null;
  add(bytes: Uint8Array, rows: number, cursor: string | null): Promise<void>;
  finish(): Promise<void>;
  leave(): Promise<void>;
}

const STDOUT = '-';
const zipped = promisify(gzip);

/** Exit code 0: the file is whole; 1: it is not. */
export function exportCommand(): Command {
  const command = new Command('export')
    .description('Write calls to a file (CSV or NDJSON), with the filters of GET /api/v1/calls.')
    .addOption(new Option('--format <format>', 'how').choices(['csv', 'ndjson']).default('csv'))
    .option('--out <file>', 'where to; - is standard output', STDOUT)
    .option('--resume', 'go on with a file that was cut off, with the same options')
    .option('--columns <names>', 'fields of Call, parted by commas; all of them when left out')
    .option('--tz <zone>', 'time zone that times are written in, by its IANA name', 'UTC')
    .addOption(new Option('--sort <order>', 'order').choices(['firstSeenAt', '-firstSeenAt']).default('firstSeenAt'))
    .option('--bom', 'begin CSV with a byte order mark, for spreadsheets')
    .option('--gzip', 'compress the file')
    .option('--api <url>', "the server's HTTP address", configuredApi());
  addFilterOptions(command);
  return command.action(async (flags: Flags) => {
    if (flags.resume === true && flags.out === STDOUT) throw new Error('--resume goes with --out: name the file.');
    await run(flags, askedOf(flags));
  });
}

function askedOf(flags: Flags): URLSearchParams {
  const { format, columns, tz, sort, bom } = flags;
  const asked = new URLSearchParams(filtersOf(flags));
  for (const [name, value] of Object.entries({ format, tz, sort, columns, bom })) {
    if (value !== undefined) asked.append(name, String(value));
  }
  return asked;
}

async function run(flags: Flags, asked: URLSearchParams): Promise<void> {
  const sink = flags.out === STDOUT ? standardOutput() : await fileOf(flags, asked);
  const token = randomBytes(24).toString('base64url');
  const query = new URLSearchParams(asked);
  query.append('marks', token);
  if (sink.cursor !== null) query.append('cursor', sink.cursor);
  const before = sink.rows;
  const progress = progressOf(before);
  try {
    const segments = new Segments(token);
    let whole = false;
    for await (const chunk of await new Server(flags.api).stream('/api/v1/exports/calls', query)) {
      for (const { bytes, mark } of segments.push(chunk)) {
        // Members of gzip one after another are one file of gzip, so that each segment can end it.
        const written = flags.gzip === true ? await zipped(bytes) : bytes;
        await sink.add(written, before + mark.rows, mark.cursor);
        progress.tell(before + mark.rows);
        whole = mark.end;
      }
    }
    if (!whole) throw new Error('it ended before its last row');
    await sink.finish();
    progress.done();
  } catch (error) {
    await sink.leave();
    progress.clear();
    if (flags.out === STDOUT || sink.rows === 0) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`Cut off after ${String(sink.rows)} calls: ${reason}. The same command with --resume goes on.`, {
      cause: error,
    });
  }
}

async function fileOf({ out, resume, gzip: compressed }: Flags, asked: URLSearchParams): Promise<Sink> {
  const question = `${compressed === true ? 'gzip ' : ''}${[...asked]
    .map((pair) => pair.join('='))
    .sort()
    .join('&')}`;
  const part = (resume === true ? await Part.resume(out, question) : null) ?? (await Part.begin(out, question));
  return {
    get rows() {
      return part.place.rows;
    },
    get cursor() {
      return part.place.cursor;
    },
    add: (bytes, rows, cursor) => part.add(bytes, rows, cursor),
    finish: () => part.finish(),
    leave: () => part.leave(),
  };
}

function standardOutput(): Sink {
  return {
    rows: 0,
    cursor: null,
    add: async (bytes) => {
      if (!process.stdout.write(bytes)) await once(process.stdout, 'drain');
    },
    finish: () => Promise.resolve(),
    leave: () => Promise.resolve(),
  };
}

/** How far it is: a line that is written over on a terminal, and one at the end for everybody. */
function progressOf(before: number): { tell(rows: number): void; clear(): void; done(): void } {
  const startedAt = performance.now();
  let told = before;
  const line = (): string => {
    const seconds = (performance.now() - startedAt) / 1_000;
    return `${told.toLocaleString('en')} calls, ${Math.round((told - before) / seconds).toLocaleString('en')} a second`;
  };
  const over = (text: string): void => {
    if (process.stderr.isTTY) process.stderr.write(`\r\u001b[K${text}`);
  };
  return {
    tell: (rows) => {
      told = rows;
      over(line());
    },
    clear: () => {
      over('');
    },
    done: () => {
      over('');
      process.stderr.write(`${line()}\n`);
    },
  };
}
