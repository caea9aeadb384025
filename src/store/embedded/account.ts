import { type SpawnOptions, spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  realpathSync,
  renameSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { createHash } from 'node:crypto';
import { dirname, join } from 'node:path';
import type { Binaries } from './binaries.js';

/**
 * PostgreSQL refuses to run as root. Who it runs as instead:
 * - `self`: we are not root, it runs as us.
 * - `namespace`: we are root, and it runs in a user namespace of its own in which root is shown to it as user 65534.
 *   Its files stay root's, so a 0700 home folder is no obstacle and no account is needed.
 * - `copy`: we are root and user namespaces are refused (some containers): it runs as user 65534, with a copy of the
 *   binaries and, where user 65534 cannot enter the data folder, with its data under `/var/lib/ringledger`.
 */
export type Account = 'self' | 'namespace' | 'copy';

/** `nobody` on every Linux we know; any id other than 0 would do. */
const OTHER_ID = 65534;
const NAMESPACE = ['--user', `--map-user=${String(OTHER_ID)}`, `--map-group=${String(OTHER_ID)}`];
/** Where things go that user 65534 must reach and cannot where they are. */
export const OUTSIDE_HOME = '/var/lib/ringledger';

/** Chooses the account: asks the kernel for a user namespace once (about 5 ms) when we are root. */
export function chooseAccount(): Account {
  if (process.getuid?.() !== 0) return 'self';
  return spawnSync('unshare', [...NAMESPACE, 'true']).status === 0 ? 'namespace' : 'copy';
}

/** A program and how to spawn it so that it runs under the account. */
export interface Launch {
  readonly command: string;
  readonly args: readonly string[];
  readonly options: SpawnOptions;
}

/** How to spawn `program` under the account; `util-linux`'s unshare replaces itself, so the pid is the program's own. */
export function launch(account: Account, program: string, args: readonly string[]): Launch {
  // No PG* variable of the operator's reaches the server, and its messages are in English whatever the locale: we read them.
  const env: NodeJS.ProcessEnv = { PATH: process.env.PATH, HOME: '/', LC_ALL: 'C', LANG: 'C', TZ: 'UTC' };
  if (account === 'namespace') return { command: 'unshare', args: [...NAMESPACE, program, ...args], options: { env } };
  if (account === 'copy') {
    return { command: program, args, options: { env, uid: OTHER_ID, gid: OTHER_ID, cwd: '/' } };
  }
  return { command: program, args, options: { env } };
}

/**
 * Makes everything under `path` belong to the user the server runs as. Only the top is asked: the server itself never
 * changes an owner, so the tree is of one piece; a tree that was used under another account before is handed over here.
 */
export function own(account: Account, path: string): void {
  if (account === 'self') return;
  const id = account === 'copy' ? OTHER_ID : 0;
  if (statSync(path).uid === id) return;
  chownTree(path, id);
}

function chownTree(path: string, id: number): void {
  const stats = lstatSync(path);
  if (stats.isSymbolicLink()) return;
  if (stats.isDirectory()) for (const name of readdirSync(path)) chownTree(join(path, name), id);
  chownSync(path, id, id);
}

/**
 * The folder the cluster of a data folder is in: the data folder itself, or a folder under `/var/lib/ringledger` where the
 * account cannot enter it. `<dataDir>/postgres` leads there in both cases (as a link in the second), so a later start
 * finds the same data whatever its account.
 *
 * @throws Error when there is data already and the account cannot reach it: moving somebody's data is not ours to decide.
 */
export function placeCluster(account: Account, dataDir: string, outsideHome: string): string {
  const inside = join(dataDir, 'postgres');
  const found = lstatSync(inside, { throwIfNoEntry: false });
  if (found?.isSymbolicLink() === true) return realpathSync(inside);
  if (account !== 'copy' || canEnter(dataDir)) return inside;
  if (found !== undefined) {
    throw new Error(
      `The data under ${inside} was written with user namespaces, which this machine refuses now, and no user but root can ` +
        'enter that folder. Allow other users to enter it and the folders above it (chmod o+x), or allow user namespaces.',
    );
  }
  const outside = join(outsideHome, createHash('sha256').update(dataDir).digest('hex').slice(0, 12));
  openFolder(outsideHome);
  mkdirSync(outside, { recursive: true, mode: 0o700 });
  symlinkSync(outside, inside);
  return outside;
}

/** Copies the binaries (70 MB, once per version) where the account can execute them; itself when it already can. */
export function placeBinaries(account: Account, binaries: Binaries, outsideHome: string): Binaries {
  if (account !== 'copy' || canEnter(binaries.home)) return binaries;
  const version = createHash('sha256')
    .update(binaries.home)
    .update(String(statSync(join(binaries.home, 'bin', 'postgres')).mtimeMs));
  const home = join(outsideHome, `postgres-${version.digest('hex').slice(0, 12)}`);
  if (existsSync(home)) return { home };
  openFolder(outsideHome);
  // Copied aside and renamed: a start that is killed half-way leaves no half of a PostgreSQL under the final name.
  const aside = `${home}.${String(process.pid)}`;
  cpSync(binaries.home, aside, { recursive: true, verbatimSymlinks: true });
  chownTree(aside, OTHER_ID);
  renameSync(aside, home);
  return { home };
}

/** A folder any user may enter, whatever root's umask. */
function openFolder(path: string): void {
  mkdirSync(path, { recursive: true });
  chmodSync(path, 0o755);
}

/** Whether any user may enter every folder from the root down to `path`. */
function canEnter(path: string): boolean {
  for (let at = path; ; at = dirname(at)) {
    if ((statSync(at).mode & 0o001) === 0) return false;
    if (at === dirname(at)) return true;
  }
}
