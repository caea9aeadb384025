import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type Account, chooseAccount, OUTSIDE_HOME, placeBinaries, placeCluster } from './account.js';
import { findBinaries } from './binaries.js';
import { createCluster, EMBEDDED_NAME, ensureRunning, stopServer } from './cluster.js';
import { type Guard, openGuard } from './guard.js';
import { Supervisor } from './supervisor.js';

/** A running embedded PostgreSQL. */
export interface Embedded {
  /** Connection string of the ledger's database, over a Unix socket only the owner of the data folder can reach. */
  readonly url: string;
  /**
   * Whether this process answers for the server. False when another application does already: then `stop` leaves the
   * server alone, and an application that serves should refuse to start.
   */
  readonly owner: boolean;
  /** Stops the server, if owned; call it last, when everything that writes has drained. */
  stop(): Promise<void>;
}

/** What tests vary; the defaults are the product's. */
export interface EmbeddedOptions {
  readonly account?: Account;
  /** Where the `copy` account puts what it cannot reach. */
  readonly outsideHome?: string;
  /** Server settings that override those in postgresql.conf. */
  readonly settings?: Readonly<Record<string, string>>;
  /**
   * When given, an owned server that is lost is started again until `stop` (supervision.ts), and this is told of it in
   * sentences for the operator. Without it a lost server stays lost: a command that ends soon fails instead.
   */
  readonly tell?: (sentence: string) => void;
}

/**
 * Runs PostgreSQL from the installed packages on `<dataDir>/postgres`, creating it at the first start.
 *
 * The server outlives a `kill -9` of this process; the next start on the same folder adopts it. It listens on a Unix
 * socket in a 0700 folder and nowhere else, so it needs no password and none is stored.
 *
 * @throws Error with a sentence for the operator: no package for this platform, a full disk, data that cannot be entered.
 */
export async function startEmbedded(dataDir: string, options: EmbeddedOptions = {}): Promise<Embedded> {
  const folder = resolve(dataDir);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const outsideHome = options.outsideHome ?? OUTSIDE_HOME;
  const account = options.account ?? chooseAccount();
  const binaries = placeBinaries(account, findBinaries(), outsideHome);
  const path = placeCluster(account, folder, outsideHome);
  const cluster = { binaries, account, path, logFile: join(folder, 'postgres.log') };
  await createCluster(cluster);
  let socket = '';
  const start = async (): Promise<Guard> => {
    socket = await ensureRunning(cluster, options.settings ?? {});
    return openGuard(urlOf(socket, 'postgres'), EMBEDDED_NAME);
  };
  const guard = await start();
  const { owner } = guard;
  if (!owner) await guard.end();
  const { tell } = options;
  const supervisor =
    owner && tell !== undefined ? new Supervisor(guard, { start, tell, logFile: cluster.logFile }) : null;
  let stopped: Promise<void> | undefined;
  const stop = async (): Promise<void> => {
    if (!owner) return;
    if (supervisor === null) await guard.end();
    else if (!(await supervisor.stop())) return;
    await stopServer(path);
  };
  return { url: urlOf(socket, EMBEDDED_NAME), owner, stop: () => (stopped ??= stop()) };
}

/** libpq and node-postgres both read `host` as the socket's folder. */
function urlOf(socket: string, database: string): string {
  return `postgresql://${EMBEDDED_NAME}@localhost/${database}?host=${encodeURIComponent(socket)}`;
}
