/** A PostgreSQL of a test's own, to be killed, frozen and started again. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Embedded, startEmbedded } from '../../src/store/embedded/embedded.js';
import { migrate } from '../../src/store/migrate.js';
import { until } from './receiver.js';
import { SmallDisk } from './small-disk.js';

/** No test pulls the plug of the machine, and a killed server loses nothing the kernel was given. */
const SETTINGS = { fsync: 'off', full_page_writes: 'off', max_connections: '40', shared_buffers: '32MB' };

export class OwnCluster {
  private constructor(
    private readonly folder: string,
    private embedded: Embedded,
    private readonly disk: SmallDisk | null,
  ) {}

  /** @param diskBytes its data are on a disk of this size, which tests may fill; without root it has none */
  static async start(diskBytes: number | null = null): Promise<OwnCluster> {
    const folder = mkdtempSync(join(tmpdir(), 'ringledger-own-'));
    const disk = diskBytes === null ? null : SmallDisk.mount(folder, diskBytes);
    const embedded = await startEmbedded(folder, { settings: SETTINGS });
    await migrate(embedded.url);
    return new OwnCluster(folder, embedded, disk);
  }

  get url(): string {
    return this.embedded.url;
  }

  /** SIGKILL to every process of the server, as the kernel does when memory runs out. */
  async kill(): Promise<void> {
    const pids = this.pids();
    for (const pid of pids) signal(pid, 'SIGKILL');
    await until(() => pids.every((pid) => !isRunning(pid)));
  }

  /** Stops every process where it stands: connections stay open and nothing answers. */
  freeze(): void {
    for (const pid of this.pids()) signal(pid, 'SIGSTOP');
  }

  thaw(): void {
    for (const pid of this.pids()) signal(pid, 'SIGCONT');
  }

  /** Leaves its disk without a byte; false when it has none of its own. */
  fillDisk(): boolean {
    this.disk?.fill();
    return this.disk !== null;
  }

  freeDisk(): void {
    this.disk?.free();
  }

  /** Whether the server runs. */
  isUp(): boolean {
    return this.pids().length > 0;
  }

  /** Starts it again on the same folder. */
  async restart(): Promise<void> {
    this.embedded = await startEmbedded(this.folder, { settings: SETTINGS });
  }

  async close(): Promise<void> {
    this.thaw();
    await this.embedded.stop();
    this.disk?.unmount();
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** The postmaster and its children; none when it does not run. */
  private pids(): readonly number[] {
    const postmaster = Number(readText(join(this.folder, 'postgres', 'postmaster.pid')).split('\n')[0]);
    if (!(postmaster > 0) || !isRunning(postmaster)) return [];
    const children = readdirSync('/proc').flatMap((name) => {
      const pid = Number(name);
      return pid > 0 && parentOf(pid) === postmaster ? [pid] : [];
    });
    return [postmaster, ...children];
  }
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

/** The fields of a process after its name: state, parent, ... */
function statOf(pid: number): readonly string[] {
  const stat = readText(`/proc/${String(pid)}/stat`);
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
}

function parentOf(pid: number): number {
  return Number(statOf(pid)[1]);
}

/** A zombie that its parent has not fetched yet runs no more. */
function isRunning(pid: number): boolean {
  return !['', 'Z', 'X'].includes(statOf(pid)[0] ?? '');
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
