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
import { Server, ServerAway } from '../field/server.js';
import { type HostFacts, lookAtHost } from './host.js';

/** What the running server says; parts that need the database are null while it is away. */
export interface ServerFacts {
  readonly receiver: Receiver;
  readonly datagrams: readonly Datagram[];
  readonly readiness: { readonly status: string; readonly problems: readonly string[] };
  readonly ledger: LedgerFacts | null;
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
  /** Whether UDP_ALLOWED_SOURCES is set. */
  readonly isAllowListSet: boolean;
  readonly receiveBufferAskedBytes: number;
  readonly api: string;
  readonly host: HostFacts;
  /** Null when nobody answers; the reason. */
  readonly server: ServerFacts | null;
  readonly serverAway: string | null;
}

const CALLS = '100';
/** Sources heard within an hour are judged each by itself; more of them than this would be many questions. */
const LATELY_MS = 3_600_000;
const LATELY_MAX = 20;
const STANDARD = { reportPort: 8000, udpHosts: ['0.0.0.0'], intervalMs: 3_000, udpReceiveBufferBytes: 8_388_608 };

/** Looks at configuration, server and host. */
export async function gatherFacts(api: string, now: number): Promise<Facts> {
  const { config, faults } = readConfig();
  const { server, away } = await askServer(new Server(api), now);
  const [first] = server?.receiver.sockets ?? [];
  // Who runs knows better than the folder doctor is run in.
  const port = first?.port ?? config.reportPort;
  const hosts = server?.receiver.sockets.map(({ address }) => address) ?? config.udpHosts;
  return {
    ...{ now, configFaults: faults, port, hosts, api, server, serverAway: away },
    intervalMs: server?.ledger?.settings.intervalMs ?? config.intervalMs,
    isAllowListSet: 'udpAllowedSources' in config && config.udpAllowedSources !== null,
    receiveBufferAskedBytes: config.udpReceiveBufferBytes,
    host: await lookAtHost(hosts, port),
  };
}

function readConfig(): { readonly config: Config | typeof STANDARD; readonly faults: readonly string[] } {
  try {
    return { config: loadConfig(), faults: [] };
  } catch (error) {
    return { config: STANDARD, faults: error instanceof ConfigError ? error.faults : [String(error)] };
  }
}

async function askServer(
  server: Server,
  now: number,
): Promise<{ readonly server: ServerFacts | null; readonly away: string | null }> {
  try {
    const [state, datagrams, ready] = await Promise.all([
      server.get('/api/v1/receiver', {}, receiver),
      server.get('/api/v1/datagrams', { limit: '1000' }, datagramList),
      server.ready(readiness),
    ]);
    const ledger = ready.status === 'ready' ? await askLedger(server, now) : null;
    return { server: { receiver: state, datagrams: datagrams.data, readiness: ready, ledger }, away: null };
  } catch (error) {
    if (error instanceof ServerAway) return { server: null, away: error.message };
    throw error;
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
