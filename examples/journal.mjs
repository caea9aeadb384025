/**
 * The journal of rating.mjs: a line per page, holding the entries made of it and the cursor it ended at. A line is there whole or
 * not at all, so the entries and the place they were read up to can never disagree: after kill -9 what is left of a torn line is
 * cut off, and that page is asked for again. One process per journal: the file <journal>.lock keeps a second one out.
 */
import * as fs from 'node:fs';
import { hostname } from 'node:os';

/** What no further try would mend; its message says why. */
export class Stop extends Error {}

/** What a lock says of the process that has the journal: `<pid> <host>`; null: there is none. */
function holderOf(lock) {
  try {
    return fs.readFileSync(lock, 'utf8');
  } catch (error) {
    if (error.code === 'ENOENT') return null;
    throw error;
  }
}

/** Whether the process of a lock is gone, as far as can be told from here. */
function isGone(holder) {
  const [pid, host] = holder.split(' ');
  if (host !== hostname()) return false;
  // In a container the next process often has the number of the one before.
  if (Number(pid) === process.pid) return true;
  try {
    process.kill(Number(pid), 0);
    return false;
  } catch (error) {
    return error.code === 'ESRCH';
  }
}

/** Takes the journal for this process until it ends. Two of them would charge every call twice. */
export function lockFor(path) {
  const lock = `${fs.existsSync(path) ? fs.realpathSync(path) : path}.lock`;
  const mine = `${process.pid} ${hostname()}`;
  for (let isTaken = false; !isTaken;) {
    try {
      fs.writeFileSync(lock, mine, { flag: 'wx' });
      isTaken = true;
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
      const holder = holderOf(lock);
      if (holder !== null && !isGone(holder)) {
        const [pid, host] = holder.split(' ');
        throw new Stop(`${path} is in use by process ${pid} on ${host}. If that is gone, delete ${lock}.`);
      }
      fs.rmSync(lock, { force: true });
    }
  }
  process.once('exit', () => {
    if (holderOf(lock) === mine) fs.rmSync(lock);
  });
  process.once('SIGINT', () => process.exit(130));
  process.once('SIGTERM', () => process.exit(143));
}

/** The journal: what was charged for each call, and where the feed goes on. */
export class Journal {
  /** @param isWritten false: it is read alone, since another process may just be writing its last line */
  constructor(path, isWritten) {
    this.path = path;
    this.charged = new Map();
    this.cursor = null;
    const text = fs.existsSync(path) ? fs.readFileSync(path, 'utf8') : '';
    const whole = text.slice(0, text.lastIndexOf('\n') + 1);
    for (const line of whole.split('\n').filter((one) => one !== '')) this.take(JSON.parse(line));
    this.bytes = Buffer.byteLength(whole);
    this.file = isWritten ? fs.openSync(path, 'a') : null;
    if (isWritten) fs.ftruncateSync(this.file, this.bytes);
  }

  /** Of a call: what its last entry says was charged, and what all its entries come to. */
  take({ cursor, entries }) {
    this.cursor = cursor;
    for (const { id, revision, cents, charged, why } of entries) {
      const entered = (this.charged.get(id)?.entered ?? 0) + cents;
      this.charged.set(id, { revision, cents: charged, entered, why });
    }
  }

  /** Returns when the line is on the disk. */
  append(line) {
    // A lock that somebody deleted, or that another machine does not see, keeps nobody out.
    if (fs.fstatSync(this.file).size !== this.bytes)
      throw new Stop(
        `Somebody else writes to ${this.path}: one process per journal. --sum says what was charged twice.`,
      );
    const bytes = Buffer.from(`${JSON.stringify(line)}\n`);
    for (let at = 0; at < bytes.length;) at += fs.writeSync(this.file, bytes, at);
    fs.fdatasyncSync(this.file);
    this.bytes += bytes.length;
    this.take(line);
  }

  /** What all entries come to, and why some calls cost nothing: short ones may come to less than half a cent. */
  sum(currency) {
    const calls = [...this.charged.values()];
    const cents = calls.reduce((total, one) => total + one.entered, 0);
    const reasons = new Map();
    for (const why of calls.flatMap((one) => one.why)) reasons.set(why, (reasons.get(why) ?? 0) + 1);
    const rated = calls.filter(({ why }) => why.length === 0);
    const free = rated.filter((one) => one.cents === 0).length;
    const told = [`${rated.length} rated (${free} of them below half a cent)`];
    for (const [why, count] of [...reasons].sort()) told.push(`${count} ${why}`);
    return `${calls.length} calls, ${(cents / 100).toFixed(2)} ${currency}: ${told.join(', ')}`;
  }

  /** Calls whose entries do not come to what the last of them says, in words: they were charged twice, or in part. */
  faults() {
    const wrong = [...this.charged].filter(([, { cents, entered }]) => cents !== entered);
    return wrong.map(
      ([id, { cents, entered }]) => `${id}: its entries come to ${entered} cents, the last says ${cents}`,
    );
  }

  close() {
    if (this.file !== null) fs.closeSync(this.file);
  }
}
