/** Everything `doctor` looks at, gathered once; what it means is decided in findings.ts. */
import { ConfigError, loadConfig, type Config } from '../../config.js';
import {
  type Call,
  callList,
  type Datagram,
  datagramList,
  type Quarantined,
  quarantineList,
  readiness,
  type Receiver,
  receiver,
  type Settings,
  settings,
  type Source,
  sourceList,
} from '../field/contract.js';
import { databaseTrouble } from '../../store/connect.js';
import { Refused, Server, ServerAway, ServerSlow } from '../field/server.js';
import { type HostFacts, lookAtHost } from './host.js';

/**
 * Why a server tells nothing. `gone`: nobody answers there, or somebody else. `slow`: it runs and does not answer in time.
 * `denied`: it answers, and not to the key that is shown.
 */
export interface Silence {
  readonly kind: 'gone' | 'slow' | 'denied';
  /** A sentence for the operator. */
  readonly why: string;
}

/** What trying DATABASE_URL from here said. */
export type DatabaseTry =
  { readonly kind: 'answers' } | { readonly kind: 'embedded' } | { readonly kind: 'trouble'; readonly why: string };

/** What the running server says; parts that need the database are null while it is away. */
export interface ServerFacts {
  readonly receiver: Receiver;
  readonly datagrams: readonly Datagram[];
  readonly readiness: { readonly status: string; readonly problems: readonly string[] };
  readonly ledger: LedgerFacts | null;
  /** Why there is no ledger, where it is not that the database is away. */
  readonly ledgerSilence: Silence | null;
}

export interface LedgerFacts {
  readonly settings: Settings;
  readonly sources: readonly Source[];
  readonly quarantine: readonly Quarantined[];
  /** The newest calls that ended. */
  readonly calls: readonly Call[];
  /** Of each source heard lately its newest calls, ended or not. */
  readonly lately: readonly SourceCalls[];
}

export interface SourceCalls {
  readonly source: string;
  readonly calls: readonly Call[];
}

export interface Facts {
  readonly now: number;
  /** Every fault of the configuration; empty when it can be read. */
  readonly configFaults: readonly string[];
  readonly port: number;
  readonly hosts: readonly string[];
  readonly intervalMs: number;
  /** UDP_ALLOWED_SOURCES as it is set here, which need not be where the server runs. */
  readonly allowedSources: string | null;
  readonly receiveBufferAskedBytes: number;
  readonly api: string;
  readonly host: HostFacts;
  /** Null when it tells nothing; then `silence` says why. */
  readonly server: ServerFacts | null;
  readonly silence: Silence | null;
  /** Tried where the server does not speak for its database; else null. */
  readonly database: DatabaseTry | null;
}

const CALLS = '100';
/** Sources heard within an hour are judged each by itself; more of them than this would be many questions. */
const LATELY_MS = 3_600_000;
const LATELY_MAX = 20;
const STANDARD = { reportPort: 8000, udpHosts: ['0.0.0.0'], intervalMs: 3_000, udpReceiveBufferBytes: 8_388_608 };

/** Looks at configuration, server and host. */
export async function gatherFacts(api: string, now: number): Promise<Facts> {
  const { config, faults } = readConfig();
  const { server, silence } = await askServer(new Server(api), now);
  const [first] = server?.receiver.sockets ?? [];
  // Who runs knows better than the folder doctor is run in.
  const port = first?.port ?? config.reportPort;
  const hosts = server?.receiver.sockets.map(({ address }) => address) ?? config.udpHosts;
  return {
    ...{ now, configFaults: faults, port, hosts, api, server, silence },
    intervalMs: server?.ledger?.settings.intervalMs ?? config.intervalMs,
    allowedSources: 'udpAllowedSources' in config ? config.udpAllowedSources : null,
    receiveBufferAskedBytes: config.udpReceiveBufferBytes,
    host: await lookAtHost(hosts, port),
    database: server?.ledger == null ? await tryDatabase(config) : null,
  };
}

function readConfig(): { readonly config: Config | typeof STANDARD; readonly faults: readonly string[] } {
  try {
    return { config: loadConfig(), faults: [] };
  } catch (error) {
    return { config: STANDARD, faults: error instanceof ConfigError ? error.faults : [String(error)] };
  }
}

async function tryDatabase(config: Config | typeof STANDARD): Promise<DatabaseTry | null> {
  if (!('databaseUrl' in config)) return null;
  if (config.databaseUrl === null) return { kind: 'embedded' };
  const why = await databaseTrouble(config.databaseUrl);
  return why === null ? { kind: 'answers' } : { kind: 'trouble', why };
}

async function askServer(
  server: Server,
  now: number,
): Promise<{ readonly server: ServerFacts | null; readonly silence: Silence | null }> {
  // Each by itself: what the receiver knows needs no database, and is told also while that hangs.
  const [state, datagrams, ready] = await Promise.all([
    heard(server.get('/api/v1/receiver', {}, receiver)),
    heard(server.get('/api/v1/datagrams', { limit: '1000' }, datagramList)),
    heard(server.ready(readiness)),
  ]);
  if (state.value === null || datagrams.value === null) {
    return { server: null, silence: state.silence ?? datagrams.silence };
  }
  const answered = ready.value ?? { status: 'not_ready', problems: [ready.silence.why] };
  const ledger = answered.status === 'ready' ? await heard(askLedger(server, now)) : null;
  return {
    server: {
      ...{ receiver: state.value, datagrams: datagrams.value.data, readiness: answered },
      ...{ ledger: ledger?.value ?? null, ledgerSilence: ledger?.silence ?? null },
    },
    silence: null,
  };
}

type Heard<T> = { readonly value: T; readonly silence: null } | { readonly value: null; readonly silence: Silence };

/** An answer, or why there is none: doctor has something to say in any case. */
async function heard<T>(asked: Promise<T>): Promise<Heard<T>> {
  try {
    return { value: await asked, silence: null };
  } catch (error) {
    if (error instanceof ServerSlow) return { value: null, silence: { kind: 'slow', why: error.message } };
    if (error instanceof ServerAway) return { value: null, silence: { kind: 'gone', why: error.message } };
    if (!(error instanceof Refused)) throw error;
    // Also a 503 of a server that runs: its database does not answer it.
    return { value: null, silence: { kind: error.isDenied ? 'denied' : 'slow', why: error.message } };
  }
}

async function askLedger(server: Server, now: number): Promise<LedgerFacts> {
  const [inForce, sources, quarantine, calls] = await Promise.all([
    server.get('/api/v1/settings', {}, settings),
    server.get('/api/v1/sources', { limit: '500' }, sourceList),
    server.get('/api/v1/quarantine', { limit: '500' }, quarantineList),
    server.get('/api/v1/calls', { state: 'ended', limit: CALLS }, callList),
  ]);
  const heard = sources.data
    .filter(({ lastHeardAt }) => lastHeardAt !== null && now - lastHeardAt <= LATELY_MS)
    .sort((a, b) => (b.lastHeardAt ?? 0) - (a.lastHeardAt ?? 0))
    .slice(0, LATELY_MAX);
  const lately = heard.map(async ({ key }) => {
    const { data } = await server.get('/api/v1/calls', { source: key, limit: CALLS }, callList);
    return { source: key, calls: data };
  });
  return {
    ...{ settings: inForce, sources: sources.data, quarantine: quarantine.data, calls: calls.data },
    lately: await Promise.all(lately),
  };
}
