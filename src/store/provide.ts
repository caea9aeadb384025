import type { Config } from '../config.js';

/** A database for a command to work on, and what undoes having provided it. */
export interface ProvidedDatabase {
  readonly url: string;
  /** False when another running application answers for this embedded PostgreSQL. */
  readonly owner: boolean;
  /** Undoes having provided it; leaves alone a server that another application answers for. */
  stop(): Promise<void>;
}

/**
 * The database of `DATABASE_URL`, of which nothing is touched; or, when that is not set, the embedded one under `DATA_DIR`.
 * @param tell when given, an embedded one that is lost is started again, and this is told of it
 * @param settings of an embedded server that is started by this, over those of its postgresql.conf
 */
export async function provideDatabase(
  config: Pick<Config, 'databaseUrl' | 'dataDir'>,
  tell?: (sentence: string) => void,
  settings: Readonly<Record<string, string>> = {},
): Promise<ProvidedDatabase> {
  if (config.databaseUrl !== null) {
    return { url: config.databaseUrl, owner: true, stop: () => Promise.resolve() };
  }
  const { startEmbedded } = await import('./embedded/embedded.js');
  return startEmbedded(config.dataDir, tell === undefined ? { settings } : { settings, tell });
}
