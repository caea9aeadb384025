/**
 * Draws docs/bi-hours.svg from the answer to question 3 of docs/bi.md, whose SQL it takes from there.
 *
 *   node scripts/bi-picture.mjs          on DATABASE_URL, or the embedded PostgreSQL under DATA_DIR
 *
 * The picture of the page: `ringledger seed` as SEED below has it, then this.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { loadConfig } from '../dist/config.js';
import { provideDatabase } from '../dist/store/provide.js';

const PAGE = new URL('../docs/bi.md', import.meta.url);
const PICTURE = new URL('../docs/bi-hours.svg', import.meta.url);

/** From the bottom of a bar up; colours that people who see no red from green can tell apart, and that print. */
const PARTS = [
  { column: 'answered', label: 'answered', colour: '#1f5fa8' },
  { column: 'not_answered', label: 'not answered', colour: '#e0a33e' },
  { column: 'unknown', label: 'unknown: an OK may be missing', colour: '#8a8a8a' },
];
const WIDTH = 720;
const HEIGHT = 300;
const LEFT = 56;
const TOP = 44;
const BOTTOM = 36;

/** 1, 2 or 5 with zeros, so that about four lines fit below `most`. */
function stepOf(most) {
  const raw = Math.max(1, most / 4);
  const power = 10 ** Math.floor(Math.log10(raw));
  return [1, 2, 5, 10].map((factor) => factor * power).find((step) => step >= raw);
}

function text(x, y, content, anchor = 'middle') {
  return `<text x="${x}" y="${y}" text-anchor="${anchor}">${content}</text>`;
}

function draw(rows) {
  const most = Math.max(1, ...rows.map((row) => PARTS.reduce((sum, { column }) => sum + row[column], 0)));
  const room = HEIGHT - TOP - BOTTOM;
  const scale = (calls) => Math.round((calls / most) * room * 10) / 10;
  const step = stepOf(most);
  const lines = Array.from({ length: Math.floor(most / step) + 1 }, (_, index) => index * step).flatMap((calls) => {
    const y = HEIGHT - BOTTOM - scale(calls);
    return [`<path d="M${LEFT} ${y}H${WIDTH - 8}" stroke="#ddd"/>`, text(LEFT - 6, y + 4, calls, 'end')];
  });
  const slot = (WIDTH - LEFT - 8) / 24;
  const bars = rows.flatMap((row) => {
    const x = Math.round((LEFT + row.hour * slot + 3) * 10) / 10;
    let y = HEIGHT - BOTTOM;
    const parts = PARTS.map(({ column, colour }) => {
      const height = scale(row[column]);
      y = Math.round((y - height) * 10) / 10;
      return `<rect x="${x}" y="${y}" width="${Math.round(slot - 6)}" height="${height}" fill="${colour}"/>`;
    });
    return [...parts, text(Math.round(x + slot / 2 - 3), HEIGHT - BOTTOM + 16, row.hour)];
  });
  const legend = PARTS.flatMap(({ label, colour }, index) => {
    const x = LEFT + index * 150;
    return [`<rect x="${x}" y="14" width="12" height="12" fill="${colour}"/>`, text(x + 18, 24, label, 'start')];
  });
  const title = '<title>Calls by hour of the day in Berlin, March 2026 (made-up calls)</title>';
  const frame = `xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="12"`;
  const all = [title, `<rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>`, ...lines, ...bars, ...legend];
  return `<svg ${frame}>\n${all.join('\n')}\n</svg>\n`;
}

const [, sql] = /^### 3\. [^\n]*\n```sql\n(.*?)```/ms.exec(readFileSync(PAGE, 'utf8')) ?? [];
const SEED = 'ringledger seed --calls 40000 --days 31 --until 2026-04-01T00:00:00Z --seed bi';
/** PostgreSQL's words for a database that was never migrated: undefined_table, invalid_schema_name. */
const NEVER_USED = ['42P01', '3F000'];

/** The hours of the question; none where there is no ledger, or nothing in it. */
async function hoursOf(config) {
  // An embedded PostgreSQL would be made where there is none.
  if (config.databaseUrl === null && !existsSync(join(config.dataDir, 'postgres'))) return [];
  const database = await provideDatabase(config);
  const client = new pg.Client({ connectionString: database.url });
  try {
    await client.connect();
    return (await client.query(sql)).rows;
  } catch (error) {
    if (NEVER_USED.includes(error.code)) return [];
    throw error;
  } finally {
    await client.end();
    await database.stop();
  }
}

const config = loadConfig();
const rows = await hoursOf(config);
if (rows.length === 0) {
  const where = config.databaseUrl === null ? `under DATA_DIR (${config.dataDir})` : 'in DATABASE_URL';
  console.error(`There are no calls of March 2026 ${where}, so there is nothing to draw. First: ${SEED}`);
  process.exitCode = 1;
} else {
  const numbers = rows.map((row) =>
    Object.fromEntries(Object.entries(row).map(([name, value]) => [name, Number(value)])),
  );
  writeFileSync(PICTURE, draw(numbers));
  console.log(`docs/bi-hours.svg: ${String(rows.length)} hours.`);
}
