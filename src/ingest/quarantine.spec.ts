import { RowRejected, type QuarantinedDatagram, StoreUnavailable } from './ports.js';
import { Quarantine, type Unstorable } from './quarantine.js';

const BYTES_MAX = 4;

function unstorable(text: string, more: Partial<Unstorable> = {}): Unstorable {
  const bytes = Buffer.from(text);
  return { receivedAt: 1_000, sourceKey: 'ivr', address: '192.0.2.1', reason: 'syntax', detail: '', bytes, ...more };
}

/** A quarantine over a store that behaves as told, and what it kept and said. */
function quarantineOver(keep: (rows: readonly QuarantinedDatagram[]) => void): {
  readonly quarantine: Quarantine;
  readonly kept: QuarantinedDatagram[];
  readonly failures: string[];
} {
  const kept: QuarantinedDatagram[] = [];
  const failures: string[] = [];
  const quarantine = new Quarantine({
    store: {
      keep: (rows) => {
        keep(rows);
        kept.push(...rows);
        return Promise.resolve(0);
      },
    },
    ensureStored: () => null,
    ...{ keepMost: 100, horizonMs: 19_000, bytesMax: BYTES_MAX },
    onDropped: () => undefined,
    onFailed: (error) => failures.push(String(error)),
  });
  return { quarantine, kept, failures };
}

test('one row that PostgreSQL refuses costs its mates nothing, and is told once', async () => {
  const { quarantine, kept, failures } = quarantineOver((rows) => {
    if (rows.some(({ detail }) => detail === 'bad')) throw new RowRejected('PostgreSQL refused a row (22021)');
  });
  const details = ['a', 'b', 'bad', 'd', 'e', 'f', 'g'];
  const outcomes = await Promise.all(
    details.map((detail, index) => quarantine.keep(unstorable(String(index), { detail }))),
  );
  expect(outcomes).toEqual(details.map((detail) => (detail === 'bad' ? 'rejected' : 'quarantined')));
  expect(kept.map(({ detail }) => detail)).toEqual(details.filter((detail) => detail !== 'bad'));
  expect(failures).toEqual(['RowRejected: PostgreSQL refused a row (22021)']);
});

test('a database that is away is asked once for the whole batch', async () => {
  let asked = 0;
  const { quarantine, failures } = quarantineOver(() => {
    asked += 1;
    throw new StoreUnavailable('the database is not available (57P01)');
  });
  const outcomes = await Promise.all(['1', '2', '3'].map((text) => quarantine.keep(unstorable(text))));
  expect(outcomes).toEqual(['unavailable', 'unavailable', 'unavailable']);
  expect([asked, failures.length]).toEqual([1, 1]);
});

test('of what is too long the first bytes are kept, its length, and nothing alive of the rest', async () => {
  const { quarantine, kept } = quarantineOver(() => undefined);
  await quarantine.keep(unstorable('123456789'));
  const [{ bytes, length } = { bytes: Buffer.alloc(0), length: 0 }] = kept;
  expect([Buffer.from(bytes).toString(), length, bytes.buffer.byteLength]).toEqual(['1234', 9, BYTES_MAX]);
});
