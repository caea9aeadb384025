/** The facts of a site on which nothing is wrong, to change one of them. */
import type { Facts, LedgerFacts, ServerFacts } from '../../src/cli/doctor/facts.js';
import type { Call, Datagram, Source } from '../../src/cli/field/contract.js';

export const NOW = 1_800_000_000_000;

export function datagram(parts: Partial<Datagram> = {}): Datagram {
  const answered = { ackBase64: Buffer.from('a,1'), ackedAt: (parts.receivedAt ?? NOW) + 2 };
  return {
    ...{ id: '1', receivedAt: NOW, address: '192.0.2.10', port: 5_060, localAddress: '192.0.2.1', localPort: 8_000 },
    ...{ source: 'ivr-1', fate: 'first', reason: null, bytesBase64: Buffer.from('a,1,OK'), length: 6 },
    ...answered,
    ...parts,
  };
}

export const SOURCE: Source = {
  ...{ key: 'ivr-1', name: 'ivr-1', addresses: ['192.0.2.10'], codec: 'delimited', charset: 'utf-8' },
  ...{ serialMeaning: 'per_call', locked: true, lastHeardAt: NOW, feed: 'receiving', ackHealth: 'ok' },
  ...{ ackDiagnosis: 'understood', copiesPerNotification: 1 },
};
export const CALL: Call = {
  ...{ id: 'x', source: 'ivr-1', callId: 'a', state: 'ended', firstSeenAt: NOW, ringingAt: NOW, answeredAt: NOW },
  ...{ endProvenance: 'reported', late: false },
};

/** A call of ivr-2 that rang so long ago, and of which nothing else was heard. */
export function rang(agoMs: number): Call {
  const at = { firstSeenAt: NOW - agoMs, ringingAt: NOW - agoMs, answeredAt: null, endProvenance: null };
  return { ...CALL, source: 'ivr-2', state: 'ringing', ...at };
}

export function ledger(parts: Partial<LedgerFacts> = {}): LedgerFacts {
  const settings = { retry: 6, intervalMs: 3_000, horizonMs: 19_000, staleAnsweredMs: 1, udpPort: 8_000, udpHosts: [] };
  return { settings, sources: [SOURCE], quarantine: [], calls: [CALL], lately: [], ...parts };
}

export function server(parts: Partial<ServerFacts> = {}, receiver: Partial<ServerFacts['receiver']> = {}): ServerFacts {
  const socket = {
    address: '192.0.2.1',
    port: 8_000,
    receiveBufferAskedBytes: 100,
    receiveBufferGrantedBytes: 100,
    warnings: [],
  };
  return {
    receiver: {
      startedAt: NOW,
      received: 5,
      answered: 5,
      refusedAddress: 0,
      failed: 0,
      sockets: [socket],
      fates: [],
      ...receiver,
    },
    datagrams: [datagram()],
    readiness: { status: 'ready', problems: [] },
    ledger: ledger(),
    ledgerSilence: null,
    ...parts,
  };
}

export function facts(parts: Partial<Facts> = {}, host: Partial<Facts['host']> = {}): Facts {
  return {
    ...{
      now: NOW,
      configFaults: [],
      port: 8_000,
      hosts: ['192.0.2.1'],
      intervalMs: 3_000,
      allowedSources: 'ivr-1=192.0.2.10',
    },
    ...{ receiveBufferAskedBytes: 100, api: 'http://127.0.0.1:3000', server: server(), silence: null },
    database: null,
    host: {
      ports: [{ host: '192.0.2.1', state: 'held', who: null }],
      ...{ sockets: [{ inode: '1', port: 8_000, drops: 0 }], addresses: ['192.0.2.1'] },
      ...{ firewall: { tool: 'nft', rules: '' }, clockSynchronised: true, receiveBufferMax: 100 },
      ...host,
    },
    ...parts,
  };
}
