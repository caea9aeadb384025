/** A spool on a real folder, with a clock of the test's and a disk that can be told to fail. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeRecord, type SpoolRecord } from '../../src/ingest/spool/records.js';
import { openFile, type OpenFile } from '../../src/ingest/spool/disk/segment.js';
import { Spool, type SpoolOptions } from '../../src/ingest/spool/spool.js';
import { EPOCH } from '../support/arrivals.js';

/** A disk whose syncs, writes or new files fail while `failing` says so. */
export class Disk {
  failing: 'sync' | 'write' | 'open' | null = null;
  code = 'EIO';
  syncs = 0;

  readonly openWith: OpenFile = async (path) => {
    this.fail('open');
    const file = await openFile(path);
    return {
      write: (bytes, offset, length, position) => {
        this.fail('write');
        return file.write(bytes, offset, length, position);
      },
      datasync: async () => {
        this.syncs += 1;
        this.fail('sync');
        await file.datasync();
      },
      truncate: (bytes) => file.truncate(bytes),
      close: () => file.close(),
    };
  };

  private fail(at: Disk['failing']): void {
    if (this.failing === at) throw Object.assign(new Error(`the disk fails to ${String(at)}`), { code: this.code });
  }
}

export class Bench {
  readonly root = mkdtempSync(join(tmpdir(), 'ringledger-spool-'));
  readonly disk = new Disk();
  readonly faults: string[] = [];
  now = EPOCH;

  open(over: Partial<SpoolOptions> = {}): Promise<Spool> {
    return Spool.open({
      ...{ root: this.root, bytesMax: 64 * 1024 * 1024, freeBytesMin: 0, clock: { now: () => this.now } },
      sourceOf: (key) => ({ key, name: `name of ${key}`, addresses: [key] }),
      onFault: (text) => this.faults.push(text),
      openWith: this.disk.openWith,
      ...over,
    });
  }

  close(): void {
    rmSync(this.root, { recursive: true, force: true });
  }
}

/** Takes everything out of a spool, as the drain does. */
export async function emptied(spool: Spool): Promise<readonly SpoolRecord[]> {
  const records: SpoolRecord[] = [];
  for (let segment = await spool.oldest(); segment !== null; segment = await spool.oldest()) {
    const { drainedTo } = segment;
    const frames = (await spool.read(segment)).filter(({ from }) => from >= drainedTo);
    records.push(...frames.map(({ body }) => decodeRecord(body)));
    await spool.remove(segment);
  }
  return records;
}

/** The Call IDs among records, in order. */
export function callIds(records: readonly SpoolRecord[]): readonly string[] {
  return records.flatMap((record) => (record.kind === 'arrival' ? [record.arrival.report.callId] : []));
}
