/** How fast a million rows leave, and what memory that takes: the server's, and that of `ringledger export`. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { PrismaClient } from '../src/generated/prisma/client.js';
import { whole } from './machine.js';
import { peakMbOf, startProduct } from './processes.js';

const ROWS = 1_000_000;
const FORMATS = ['csv', 'ndjson'] as const;
const MEMORY_EVERY_MS = 50;

interface Measured {
  readonly rows: number;
  readonly megabytes: number;
  readonly seconds: number;
  /** Resident memory of the server, MB: before, and at most meanwhile. */
  readonly idleMb: number | null;
  readonly serverMb: number | null;
  /** Of the command, at most. */
  readonly commandMb: number | null;
}

/** Prints the table: the oldest million calls, or as many as there are, by each format, over HTTP and by the command. */
export async function tellExports(prisma: PrismaClient, root: string, url: string): Promise<void> {
  const to = await endOf(prisma);
  console.log(
    '\n| asked | rows | MB | s | rows/s | server before, at most, MB | command, MB |\n|---|---|---|---|---|---|---|',
  );
  for (const format of FORMATS) {
    // A server of its own for each, whose largest memory is then that of this export.
    tell(`GET /exports/calls?format=${format}`, await overHttp(root, url, new URLSearchParams({ format, to })));
    tell(`ringledger export --format ${format}`, await byCommand(root, url, format, to));
  }
}

/** Where the first million calls end. */
async function endOf(prisma: PrismaClient): Promise<string> {
  const [row] = await prisma.$queryRaw<{ to: Date }[]>`
    select first_seen_at as to from call order by first_seen_at, id
    offset (select least(${ROWS}, count(*) - 1) from call) limit 1`;
  if (row === undefined) throw new Error('there is nothing to export');
  return row.to.toISOString();
}

async function overHttp(root: string, url: string, asked: URLSearchParams): Promise<Measured> {
  const server = await startProduct(root, url);
  try {
    const idleMb = server.peakMb();
    const startedAt = performance.now();
    const answer = await fetch(`${server.http}/api/v1/exports/calls?${asked.toString()}`);
    if (!answer.ok || answer.body === null) throw new Error(`the export was answered ${String(answer.status)}`);
    let [bytes, lines] = [0, 0];
    for await (const chunk of answer.body as unknown as AsyncIterable<Uint8Array>) {
      bytes += chunk.length;
      for (let at = chunk.indexOf(0x0a); at >= 0; at = chunk.indexOf(0x0a, at + 1)) lines += 1;
    }
    const seconds = (performance.now() - startedAt) / 1_000;
    const rows = asked.get('format') === 'csv' ? lines - 1 : lines;
    return { rows, megabytes: bytes / 1e6, seconds, idleMb, serverMb: server.peakMb(), commandMb: null };
  } finally {
    await server.stop();
  }
}

async function byCommand(root: string, url: string, format: string, to: string): Promise<Measured> {
  const server = await startProduct(root, url);
  const folder = mkdtempSync(join(tmpdir(), 'ringledger-bench-export-'));
  try {
    const idleMb = server.peakMb();
    const startedAt = performance.now();
    const words = ['export', '--api', server.http, '--format', format, '--to', to, '--out', join(folder, 'calls')];
    const child = spawn(process.execPath, ['dist/cli/main.js', ...words], {
      cwd: root,
      stdio: ['ignore', 'inherit', 'pipe'],
    });
    let said = '';
    child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
    const exited = once(child, 'exit') as Promise<[number | null]>;
    let commandMb: number | null = null;
    const watch = async (): Promise<void> => {
      while (child.exitCode === null) {
        commandMb = peakMbOf(child.pid) ?? commandMb;
        await sleep(MEMORY_EVERY_MS);
      }
    };
    const [[code]] = await Promise.all([exited, watch()]);
    const rows = Number(/([\d,]+) calls/.exec(said)?.[1]?.replaceAll(',', ''));
    if (code !== 0) throw new Error(`the command failed: ${said}`);
    const seconds = (performance.now() - startedAt) / 1_000;
    return { rows, megabytes: Number.NaN, seconds, idleMb, serverMb: server.peakMb(), commandMb };
  } finally {
    await server.stop();
    rmSync(folder, { recursive: true });
  }
}

function tell(name: string, { rows, megabytes, seconds, idleMb, serverMb, commandMb }: Measured): void {
  const figures = [
    whole(rows),
    Number.isNaN(megabytes) ? '' : whole(megabytes),
    seconds.toFixed(1),
    whole(rows / seconds),
  ];
  console.log(
    `| \`${name}\` | ${figures.join(' | ')} | ${String(idleMb ?? '?')}, ${String(serverMb ?? '?')} | ${String(commandMb ?? '')} |`,
  );
}
