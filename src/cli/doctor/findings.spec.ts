/** Each field problem as facts, and the line that must name it with its remedy. */
import { CALL, datagram, facts, ledger, NOW, rang, server, SOURCE } from '../../../test/support/healthy-site.js';
import type { Source } from '../field/contract.js';
import type { Facts } from './facts.js';
import type { FindingStatus } from './finding.js';
import { diagnose } from './findings.js';

const again = [0, 3_000, 6_000, 9_000].map((ms) =>
  datagram({ receivedAt: NOW + ms, fate: ms === 0 ? 'first' : 'duplicate' }),
);
const slow = [datagram({ ackedAt: NOW + 2_000 })];
const kept = {
  ...{ id: 'q', receivedAt: NOW, lastReceivedAt: NOW, copies: 7, source: 'ivr-1', address: '192.0.2.10' },
  ...{ reason: 'undetected', detail: '', bytesBase64: Buffer.from('x'), length: 1 },
};
const refused = [datagram({ fate: 'refused', reason: 'source', address: '192.0.2.99', source: null })];

function slowly(database: Facts['database']): Partial<Facts> {
  return { server: null, silence: { kind: 'slow', why: 'took longer than 10 s' }, database };
}

function deaf(key: string): Source {
  return { ...SOURCE, key, ackDiagnosis: 'not_understood', copiesPerNotification: 7 };
}

interface Row {
  readonly what: string;
  readonly facts: Facts;
  readonly check: string;
  readonly status: FindingStatus;
  readonly says: RegExp;
}

const free = [{ host: '192.0.2.1', state: 'free', who: null }] as const;
const gone = { server: null, silence: { kind: 'gone', why: 'Nobody answers' } } as const;

const ROWS: readonly Row[] = [
  {
    what: 'nothing runs',
    facts: facts(gone, { ports: free }),
    check: 'port',
    status: 'wrong',
    says: /nobody listens npm start|nobody listens.*npm start/,
  },
  {
    what: 'another program has the port',
    facts: facts(gone, { ports: [{ host: '192.0.2.1', state: 'held', who: 'process 7 (nc)' }] }),
    check: 'port',
    status: 'wrong',
    says: /process 7 \(nc\).*IVR_CALL_REPORT_PORT/,
  },
  {
    what: 'a wildcard on many addresses',
    facts: facts({ hosts: ['0.0.0.0'] }, { addresses: ['192.0.2.1', '198.51.100.1'] }),
    check: 'address answers leave from',
    status: 'note',
    says: /UDP_HOST/,
  },
  {
    what: 'a firewall in the way',
    facts: facts({}, { firewall: { tool: 'iptables', rules: '-P INPUT DROP' } }),
    check: 'firewall',
    status: 'wrong',
    says: /iptables -I INPUT -p udp --dport 8000/,
  },
  {
    what: 'a firewall that lets some addresses in',
    facts: facts(
      {},
      { firewall: { tool: 'iptables', rules: '-P INPUT DROP\n-A INPUT -s 192.0.2.7/32 -p udp -j ACCEPT' } },
    ),
    check: 'firewall',
    status: 'unknown',
    says: /look at "-A INPUT -s 192.0.2.7\/32 -p udp -j ACCEPT"/,
  },
  {
    what: 'a firewall nobody may read',
    facts: facts({}, { firewall: null }),
    check: 'firewall',
    status: 'unknown',
    says: /nft list ruleset/,
  },
  {
    what: 'silence',
    facts: facts({ server: server({ datagrams: [] }, { received: 0 }) }),
    check: 'datagrams',
    status: 'wrong',
    says: /IVR_CALL_REPORT_IP/,
  },
  {
    what: 'a loopback bind',
    facts: facts({ hosts: ['127.0.0.1'], server: server({ datagrams: [] }, { received: 0 }) }),
    check: 'datagrams',
    status: 'wrong',
    says: /UDP_HOST is a loopback/,
  },
  {
    what: 'a refused address',
    facts: facts({ server: server({ datagrams: refused }, { refusedAddress: 3 }) }),
    check: 'refused addresses',
    status: 'wrong',
    says: /this shell.*UDP_ALLOWED_SOURCES=ivr-1=192\.0\.2\.10,ivr-2=192\.0\.2\.99/,
  },
  {
    what: 'quarantine',
    facts: facts({ server: server({ ledger: ledger({ quarantine: [kept] }) }) }),
    check: 'understood',
    status: 'wrong',
    says: /undetected \(1\).*calibrate --source 'ivr-1'/,
  },
  {
    what: 'answers ignored',
    facts: facts({ server: server({ datagrams: again }) }),
    check: 'copies',
    status: 'wrong',
    says: /ack-probe/,
  },
  {
    what: 'answers lost',
    facts: facts({
      server: server({
        ledger: ledger({ sources: [{ ...SOURCE, ackDiagnosis: 'lost', copiesPerNotification: 1.6 }] }),
      }),
    }),
    check: 'copies',
    status: 'note',
    says: /1\.6 times.*network/,
  },
  {
    what: 'slow answers',
    facts: facts({ server: server({ datagrams: slow }) }),
    check: 'delay',
    status: 'wrong',
    says: /ours.*2000 ms/,
  },
  {
    what: 'late calls',
    facts: facts({ server: server({ ledger: ledger({ calls: [{ ...CALL, late: true }] }) }) }),
    check: 'delay',
    status: 'note',
    says: /1 of the last 1 calls.*network/,
  },
  {
    what: 'kernel drops',
    facts: facts({}, { sockets: [{ inode: '1', port: 8_000, drops: 9 }] }),
    check: 'kernel buffer',
    status: 'wrong',
    says: /dropped 9/,
  },
  {
    what: 'a clock adrift',
    facts: facts({}, { clockSynchronised: false }),
    check: 'clock',
    status: 'wrong',
    says: /chrony/,
  },
  {
    what: 'no database',
    facts: facts({
      server: server({ ledger: null, readiness: { status: 'not_ready', problems: ['PostgreSQL does not answer.'] } }),
    }),
    check: 'database',
    status: 'wrong',
    says: /DATABASE_URL/,
  },
  {
    what: 'no Ringing yet',
    facts: facts({ server: server({ ledger: ledger({ calls: [{ ...CALL, ringingAt: null }] }) }) }),
    check: 'a call with Ringing, OK and Bye',
    status: 'wrong',
    says: /seen was OK, Bye/,
  },
  {
    what: 'one source whole, another that only ever rang',
    facts: facts({
      server: server({
        ledger: ledger({
          lately: [
            { source: 'ivr-1', calls: [CALL] },
            { source: 'ivr-2', calls: [rang(900_000), rang(600_000), rang(1_000)] },
          ],
        }),
      }),
    }),
    check: 'a call with Ringing, OK and Bye',
    status: 'wrong',
    says: /^ivr-2: its last 2 calls rang, and neither OK nor Bye ever came does.*inspect --source 'ivr-2'/,
  },
  {
    what: 'a source whose first call rings right now',
    facts: facts({ server: server({ ledger: ledger({ lately: [{ source: 'ivr-2', calls: [rang(1_000)] }] }) }) }),
    check: 'a call with Ringing, OK and Bye',
    status: 'note',
    says: /of ivr-1 .*none yet of ivr-2/,
  },
  {
    what: 'a server that is too slow',
    facts: facts(slowly(null)),
    check: 'port',
    status: 'ok',
    says: /is bound/,
  },
  {
    what: 'a server that is too slow, and a database that hangs',
    facts: facts(slowly({ kind: 'trouble', why: 'It answers no query.' })),
    check: 'database',
    status: 'wrong',
    says: /Tried from here: It answers no query/,
  },
  {
    what: 'a key that may not',
    facts: facts({ server: null, silence: { kind: 'denied', why: 'answers 401' } }),
    check: 'server',
    status: 'wrong',
    says: /RINGLEDGER_KEY needs.*metrics:read/,
  },
  {
    what: 'an alarm, and a database that answers',
    facts: facts({ server: server({ readiness: { status: 'ready', problems: ['Alarm ack_path of ivr-1 (lost).'] } }) }),
    check: 'the server says',
    status: 'note',
    says: /^Alarm ack_path/,
  },
  {
    what: 'answers ignored by two sources',
    facts: facts({ server: server({ ledger: ledger({ sources: [deaf('ivr-1'), deaf('ivr-2')] }) }) }),
    check: 'copies',
    status: 'wrong',
    says: /calibrate --source 'ivr-1' --ack-probe; ringledger calibrate --source 'ivr-2' --ack-probe/,
  },
  {
    what: 'answers ignored 25 minutes ago',
    facts: facts({
      now: NOW + 1_500_000,
      server: server({ datagrams: again, ledger: ledger({ sources: [deaf('ivr-1')] }) }),
    }),
    check: 'copies',
    status: 'note',
    says: /not understood, but nothing came for 25 minutes make a call/,
  },
  {
    what: 'quarantine of two sources',
    facts: facts({
      server: server({
        ledger: ledger({ quarantine: [{ ...kept, source: 'ivr-2' }, kept, kept] }),
      }),
    }),
    check: 'understood',
    status: 'wrong',
    says: /calibrate --source 'ivr-1'/,
  },
  {
    what: 'posts in quarantine',
    facts: facts({ server: server({ ledger: ledger({ quarantine: [{ ...kept, source: 'http:sw-1' }] }) }) }),
    check: 'understood',
    status: 'wrong',
    says: /inspect --source 'http:sw-1' says what failed; a post .* cannot be set$/,
  },
];

test.each(ROWS)('$what: $check is $status, with what to do', ({ facts: given, check, status, says }) => {
  const lines = diagnose(given).flatMap(({ findings }) => findings);
  const line = lines.find((one) => one.check === check);
  expect({ status: line?.status, text: `${line?.finding ?? ''} ${line?.remedy ?? ''}` }).toEqual({
    status,
    text: expect.stringMatching(says) as string,
  });
});

test('on a healthy site every line is ok and nothing has to be done', () => {
  const lines = diagnose(facts()).flatMap(({ findings }) => findings);
  expect(lines.filter(({ status, remedy }) => status !== 'ok' || remedy !== null)).toEqual([]);
});

test('without a server the host is judged all the same, and nothing is said of what only it knows', () => {
  const lines = diagnose(facts(gone, { ports: free })).flatMap(({ findings }) => findings);
  expect(lines.filter(({ status }) => status === 'unknown').map(({ finding }) => finding)).toEqual(
    Array.from({ length: 7 }, () => 'only a server that answers can tell'),
  );
});
