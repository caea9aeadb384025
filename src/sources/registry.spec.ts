import { encodeAck } from '../wire/codec.js';
import { type CodecLock, operatorLock } from '../wire/detect/lock.js';
import type { NewSource, SourceRow, SourceStore } from './ports.js';
import { ADDRESSES_MAX, SOURCES_MAX, SourceRegistry } from './registry.js';

const SETTINGS = {
  ...{ retry: 6, intervalMs: 3_000, marginMs: 1_000 },
  ...{ staleRingingMs: 300_000, staleAnsweredMs: 14_400_000, lossWindowMs: 300_000 },
};

/** Rows in memory; fails while `away`. */
class MemorySources implements SourceStore {
  away = false;
  readonly rows = new Map<string, SourceRow>();
  readonly heard = new Map<string, number>();

  load(): Promise<readonly SourceRow[]> {
    return Promise.resolve([...this.rows.values()]);
  }

  save(sources: readonly NewSource[]): Promise<void> {
    if (this.away) return Promise.reject(new Error('away'));
    for (const row of sources)
      this.rows.set(row.key, { lock: null, codecVersion: 0, ...this.rows.get(row.key), ...row });
    return Promise.resolve();
  }

  saveLock(key: string, lock: CodecLock, codecVersion: number): Promise<CodecLock | null> {
    const row = this.rows.get(key);
    if (row === undefined) return Promise.reject(new Error('no such source'));
    if (row.codecVersion !== codecVersion) return Promise.resolve(null);
    if (row.lock === null) this.rows.set(key, { ...row, lock });
    return Promise.resolve(row.lock ?? lock);
  }

  saveHeard(heard: ReadonlyMap<string, number>): Promise<void> {
    for (const [key, at] of heard) this.heard.set(key, at);
    return Promise.resolve();
  }
}

async function registryOver(store: MemorySources): Promise<SourceRegistry> {
  const registry = new SourceRegistry(store, SETTINGS, { now: () => 0 });
  await registry.load();
  return registry;
}

function report(serial: number, delimiter = ','): Buffer {
  return Buffer.from(['c', serial, 'OK', '442071234567', '442079876543', '1001', '7', 'Main'].join(delimiter));
}

test('a source is known by its configured name, else by its address', async () => {
  const registry = await registryOver(new MemorySources());
  expect(registry.resolve('192.0.2.1', null)).toBe('192.0.2.1');
  expect(registry.resolve('192.0.2.2', 'office')).toBe('office');
  expect(registry.resolve('192.0.2.3', 'office')).toBe('office');
});

test('an address that is given a name keeps the key it was first seen by', async () => {
  const store = new MemorySources();
  const before = await registryOver(store);
  await before.ensureStored([before.resolve('192.0.2.1', null) ?? '']);
  const after = await registryOver(store);
  expect(after.resolve('192.0.2.1', 'office')).toBe('192.0.2.1');
  expect(after.resolve('192.0.2.9', 'office')).toBe('192.0.2.1');
  await after.ensureStored(['192.0.2.1']);
  expect(store.rows.get('192.0.2.1')).toMatchObject({ name: 'office', addresses: ['192.0.2.1', '192.0.2.9'] });
});

test('a source whose name was taken from the configuration goes on under its address', async () => {
  const store = new MemorySources();
  const before = await registryOver(store);
  await before.ensureStored([before.resolve('192.0.2.1', 'office') ?? '']);
  expect((await registryOver(store)).resolve('192.0.2.1', null)).toBe('office');
});

test('forged addresses in a named range are all read as the one source, and fill neither memory nor its row', async () => {
  const store = new MemorySources();
  const registry = await registryOver(store);
  for (let index = 0; index < 3 * ADDRESSES_MAX; index++) {
    expect(registry.resolve(`10.0.${String(index >> 8)}.${String(index & 255)}`, 'ivr')).toBe('ivr');
  }
  await registry.ensureStored(['ivr']);
  expect(store.rows.get('ivr')?.addresses).toHaveLength(ADDRESSES_MAX);
  registry.resolve('10.9.9.9', 'ivr');
  expect(registry.ensureStored(['ivr'])).toBeNull();
});

test('forged addresses beyond the most sources are refused, and those known before are not', async () => {
  const registry = await registryOver(new MemorySources());
  const address = (index: number): string => `10.1.${String(index >> 8)}.${String(index & 255)}`;
  for (let index = 0; index < SOURCES_MAX; index++) expect(registry.resolve(address(index), null)).toBe(address(index));
  expect(registry.resolve(address(SOURCES_MAX), null)).toBeNull();
  expect(registry.resolve(address(7), null)).toBe(address(7));
  // A switch the operator named is let in however many were forged.
  expect(registry.resolve('192.0.2.10', 'ivr-1')).toBe('ivr-1');
});

test('a row is stored once, and again when the first try failed', async () => {
  const store = new MemorySources();
  const registry = await registryOver(store);
  registry.resolve('192.0.2.1', null);
  store.away = true;
  await expect(registry.ensureStored(['192.0.2.1'])).rejects.toThrow('away');
  store.away = false;
  await registry.ensureStored(['192.0.2.1']);
  expect(registry.ensureStored(['192.0.2.1'])).toBeNull();
});

test('the codec three datagrams agree on is kept, and the lock another receiver kept first is taken over', async () => {
  const store = new MemorySources();
  const [one, other] = [await registryOver(store), await registryOver(store)];
  for (const [registry, delimiter] of [
    [one, ','],
    [other, '|'],
  ] as const) {
    registry.resolve('192.0.2.1', null);
    await registry.ensureStored(['192.0.2.1']);
    for (const serial of [1, 2, 3]) expect(registry.read('192.0.2.1', report(serial, delimiter), serial).ok).toBe(true);
    await registry.persist();
  }
  expect(store.rows.get('192.0.2.1')?.lock?.settings).toMatchObject({ codec: 'delimited', delimiter: ',' });
  expect(other.read('192.0.2.1', report(4, '|'), 4).ok).toBe(false);
  expect(other.read('192.0.2.1', report(4, ','), 5).ok).toBe(true);
  await other.persist();
  expect(store.heard.get('192.0.2.1')).toBe(5);
});

/** A registry that has locked a source on commas, and the rows it stands on. */
async function locked(): Promise<{ store: MemorySources; registry: SourceRegistry }> {
  const store = new MemorySources();
  const registry = await registryOver(store);
  await registry.ensureStored([registry.resolve('192.0.2.1', null) ?? '']);
  for (const serial of [1, 2, 3]) registry.read('192.0.2.1', report(serial), serial);
  await registry.persist();
  return { store, registry };
}

function decide(store: MemorySources, over: Partial<SourceRow>): void {
  const row = store.rows.get('192.0.2.1');
  if (row !== undefined) store.rows.set('192.0.2.1', { ...row, ...over });
}

test('a codec the operator set replaces the one learned, without a restart', async () => {
  const { store, registry } = await locked();
  decide(store, { codecVersion: 1, lock: operatorLock({ codec: 'delimited', delimiter: '|', charset: 'utf-8' }) });
  expect(registry.read('192.0.2.1', report(4, '|'), 4).ok).toBe(false);
  await registry.persist();
  expect(registry.read('192.0.2.1', report(4, '|'), 4).ok).toBe(true);
  expect(registry.read('192.0.2.1', report(5), 5).ok).toBe(false);
});

test('a codec to be learned anew is, and what was learned under the old decision is not saved over it', async () => {
  const { store, registry } = await locked();
  for (const serial of [4, 5, 6]) registry.read('192.0.2.1', report(serial), serial);
  decide(store, { codecVersion: 1, lock: null });
  await registry.persist();
  for (const serial of [7, 8, 9]) expect(registry.read('192.0.2.1', report(serial, ';'), serial).ok).toBe(true);
  await registry.persist();
  expect(store.rows.get('192.0.2.1')?.lock?.settings?.delimiter).toBe(';');
});

test('a name the operator gave, and a source another receiver met, are known after the next pulse', async () => {
  const { store, registry } = await locked();
  decide(store, { name: 'Head office' });
  store.rows.set('far', { key: 'far', name: 'far', addresses: ['192.0.2.7'], lock: null, codecVersion: 0 });
  await registry.persist();
  expect(registry.resolve('192.0.2.7', null)).toBe('far');
  registry.resolve('192.0.2.2', 'Head office');
  await registry.ensureStored(['192.0.2.1']);
  expect(store.rows.get('192.0.2.1')).toMatchObject({ name: 'Head office', addresses: ['192.0.2.1', '192.0.2.2'] });
});

test('an ack form the operator set is what is answered from the next pulse on, and the mirror again once it is taken back', async () => {
  const { store, registry } = await locked();
  const ack = (serial: number): string => {
    const parsed = registry.read('192.0.2.1', report(serial), serial);
    return parsed.ok ? Buffer.from(encodeAck(parsed.mirror)).toString() : parsed.reason;
  };
  expect(ack(4)).toBe('c,4');
  decide(store, { ackForm: { content: 'serial_call_id', terminator: 'lf' } });
  await registry.persist();
  expect(ack(5)).toBe('5,c\n');
  const { ackForm: _taken, ...row } = store.rows.get('192.0.2.1') ?? {
    key: '',
    name: '',
    addresses: [],
    lock: null,
    codecVersion: 0,
  };
  store.rows.set('192.0.2.1', row);
  await registry.persist();
  expect(ack(6)).toBe('c,6');
});
