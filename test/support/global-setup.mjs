import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statfsSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const MEMORY = '/dev/shm';
/** A run with every database open at once stays below this. */
const ROOM_BYTES = 2_000_000_000;
const PREFIX = 'ringledger-test-';

/** Names the folder of this run, and clears those of runs that were killed. Nothing is started here: see cluster.ts. */
export default async function setUp() {
  const parent = parentFolder();
  for (const name of readdirSync(parent)) {
    const owner = name.startsWith(PREFIX) ? Number(name.slice(PREFIX.length).split('-')[0]) : NaN;
    if (owner > 0 && !alive(owner) && isOurs(join(parent, name))) await clear(join(parent, name));
  }
  process.env.RINGLEDGER_TEST_FOLDER = mkdtempSync(join(parent, `${PREFIX}${process.pid}-`));
}

/** Memory where there is enough of it: a database takes 35 ms to make there and 250 ms on an ext4 disk. */
function parentFolder() {
  try {
    const { bavail, bsize } = statfsSync(MEMORY);
    return bavail * bsize > ROOM_BYTES ? MEMORY : tmpdir();
  } catch {
    return tmpdir();
  }
}

/** Stops the PostgreSQL of a run and removes its folder. It is stopped hard: nothing in it is wanted again. */
export async function clear(folder) {
  const pidFile = join(folder, 'data', 'postgres', 'postmaster.pid');
  if (existsSync(pidFile)) {
    const pid = Number(readFileSync(pidFile, 'utf8').split('\n')[0]);
    if (isServerOf(pid, folder)) {
      process.kill(pid, 'SIGQUIT');
      for (let waited = 0; alive(pid) && waited < 10_000; waited += 20) await sleep(20);
    }
  }
  rmSync(folder, { recursive: true, force: true });
}

function isOurs(folder) {
  return statSync(folder).uid === process.getuid?.();
}

function isServerOf(pid, folder) {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(folder);
  } catch {
    return process.platform !== 'linux' && alive(pid);
  }
}

function alive(pid) {
  try {
    process.kill(pid, 0);
  } catch (error) {
    return error.code === 'EPERM';
  }
  try {
    return !/\) [ZX]/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return process.platform !== 'linux';
  }
}
