/**
 * An operator with an IVR that writes in a way nobody told: he looks, tries a codec, saves it and has quarantine read again;
 * and where answers are not understood, finds the ones that are. Real sockets, real PostgreSQL, the real commands.
 */
import { firstValueFrom } from 'rxjs';
import { calibrateCommand } from '../../src/cli/calibrate.js';
import { doctorCommand } from '../../src/cli/doctor.js';
import { inspectCommand } from '../../src/cli/inspect.js';
import { sendSampleCommand } from '../../src/cli/send-sample.js';
import type { Running } from '../../src/main.js';
import { UdpClient } from '../../src/transport/udp.client.js';
import { encodeReport, type WireFormat } from '../../src/wire/encode.js';
import { runCommand } from '../support/command.js';
import { type TestDatabase, testDatabase } from '../support/database.js';
import { portOf, Sender, startReceiver, until } from '../support/receiver.js';

const SLOW_MS = 30_000;
const ODD: WireFormat = { codec: 'delimited', delimiter: '~~', charset: 'gb18030' };
const FIXED: WireFormat = { codec: 'fixed', widths: [24, 6, 10, 20, 20, 20, 4, 24], charset: 'utf-8' };

let database: TestDatabase;
let receiver: Running;
let sender: Sender;

beforeEach(async () => {
  database = await testDatabase();
  receiver = await startReceiver(database, {
    ...{ IVR_CALL_REPORT_RETRY_INTERVAL: '0.3', HEARTBEAT_INTERVAL_MS: '100' },
    UDP_ALLOWED_SOURCES: '127.0.0.0/30',
  });
  sender = await Sender.open('127.0.0.2');
});

afterEach(async () => {
  sender.close();
  await receiver.stop();
  await database.close();
});

function reportOf(format: WireFormat, callId: string, serial: number, state: string): Uint8Array {
  const numbers = { callerNumber: '442079460001', calleeNumber: '12025550101', forwardNumber: '' };
  return encodeReport({ callId, serial: String(serial), state, ...numbers, menuId: '7', menuName: '客服中心' }, format);
}

type Json = Record<string, unknown>;

async function listed(path: string): Promise<readonly Json[]> {
  const answer = (await (await fetch(`${receiver.http}/api/v1/${path}`)).json()) as { data: Json[] };
  return answer.data;
}

function quarantined(): number {
  return receiver.counts().datagrams.reduce((sum, { fate, count }) => sum + (fate === 'quarantined' ? count : 0), 0);
}

const api = (): readonly string[] => ['--api', receiver.http];

test.each([
  { what: 'a delimiter of two characters in GBK', format: ODD, codec: 'delimited:~~', isGuessed: true },
  { what: 'fixed columns', format: FIXED, codec: 'fixed:24,6,10,20,20,20,4,24', isGuessed: false },
])(
  'a call in $what is found, calibrated, replayed under its own receipts, and the next one is answered',
  async ({ format, codec, isGuessed }) => {
    const sentAt = Date.now();
    const states = ['Ringing', 'OK', 'Bye'];
    for (const [index, state] of states.entries()) {
      const bytes = reportOf(format, 'odd-1', index + 1, state);
      sender.send(portOf(receiver), bytes, bytes);
      await until(() => quarantined() === 2 * (index + 1));
    }
    const repliedAt = Date.now();

    const looked = await runCommand(inspectCommand(), '--source', '127.0.0.2', ...api());
    expect(looked.output).toContain('quarantined');
    expect(looked.output).toContain('it came 2 times');
    expect(looked.output).toContain('客服中心');
    const suggested = await runCommand(calibrateCommand(), '--source', '127.0.0.2', ...api());
    if (isGuessed) expect(suggested.output).toContain(`3 parsed, 0 failed  --codec '${codec}' --charset gb18030`);

    const way = ['--source', '127.0.0.2', '--codec', codec, '--charset', format.charset, ...api()];
    const wrong = await runCommand(calibrateCommand(), '--source', '127.0.0.2', '--codec', 'json', ...api());
    expect(wrong).toMatchObject({ exitCode: 1, output: expect.stringContaining('0 parsed, 3 failed') as string });
    expect((await runCommand(calibrateCommand(), ...way)).output).toContain('3 parsed, 0 failed');
    expect(await listed('quarantine')).toHaveLength(3);

    expect(await runCommand(calibrateCommand(), ...way, '--replay')).toEqual({ exitCode: 2, output: '' });
    const done = await runCommand(calibrateCommand(), ...way, '--save', '--replay');
    expect(done).toMatchObject({ exitCode: 0, output: expect.stringContaining('3 stored') as string });
    const [call] = await listed('calls?callId=odd-1');
    expect(call).toMatchObject({
      ...{ state: 'ended', disposition: 'answered', menuName: '客服中心', notificationCount: 3, duplicateCount: 3 },
    });
    const ringingAt = Date.parse(String(call?.['ringingAt']));
    expect(ringingAt).toBeGreaterThanOrEqual(sentAt - 5);
    expect(ringingAt).toBeLessThanOrEqual(repliedAt);
    expect(await listed('quarantine')).toEqual([]);
    expect((await listed('gaps?kind=quarantine')).every(({ status }) => status === 'filled')).toBe(true);
    expect((await runCommand(calibrateCommand(), '--source', '127.0.0.2', '--replay', ...api())).output).toContain(
      '0 stored',
    );

    sender.send(portOf(receiver), reportOf(format, 'odd-2', 1, 'Ringing'));
    await sender.acked(1);
  },
  SLOW_MS,
);

test(
  'what was stored before is a duplicate when it is replayed, and what cannot be read stays with its reason',
  async () => {
    const bytes = reportOf(ODD, 'twice', 1, 'Ringing');
    sender.send(portOf(receiver), bytes, 'garbage');
    await until(() => quarantined() === 2);
    const [kept] = (await listed('quarantine')).filter(
      ({ bytesBase64 }) => bytesBase64 === Buffer.from(bytes).toString('base64'),
    );
    expect(kept).toMatchObject({ address: '127.0.0.2', copies: 1 });
    await runCommand(
      calibrateCommand(),
      '--source',
      '127.0.0.2',
      '--codec',
      'delimited:~~',
      '--charset',
      'gb18030',
      '--save',
      ...api(),
    );
    sender.send(portOf(receiver), bytes);
    await sender.acked(1);
    const done = await runCommand(calibrateCommand(), '--source', '127.0.0.2', '--replay', ...api());
    expect(done.exitCode).toBe(1);
    expect(done.output).toContain('1 stored under the receipts they were stamped with, 1 of them known before');
    expect(done.output).toContain('1 still unreadable');
    expect(await listed('quarantine')).toHaveLength(1);
    const unknown = runCommand(calibrateCommand(), '--source', 'nobody', '--replay', ...api());
    await expect(unknown).rejects.toThrow('key names no source');
  },
  SLOW_MS,
);

test(
  'a sender whose fields stand in another order is not saved unless a flag asks for it: its states would be Call IDs',
  async () => {
    const datagrams = ['Ringing,19,order-1', 'OK,20,order-1', 'Bye,21,order-1'];
    sender.send(portOf(receiver), ...datagrams.map((head) => `${head},02081234,02085678,,5,x`));
    await until(() => quarantined() === 3);
    const way = ['--source', '127.0.0.2', '--codec', 'delimited:,', ...api()];
    const looked = await runCommand(calibrateCommand(), ...way);
    expect(looked.output).toContain('0 parsed, 0 failed, 3 with a state nobody knows');
    expect(looked.exitCode).toBe(1);
    await expect(runCommand(calibrateCommand(), ...way, '--save', '--replay')).rejects.toThrow('Nothing was saved');
    expect(await listed('quarantine')).toHaveLength(3);
    expect(await listed('calls')).toEqual([]);
    const asked = await runCommand(calibrateCommand(), ...way, '--save', '--unknown-states');
    expect(asked).toMatchObject({ exitCode: 0, output: expect.stringContaining('Saved') as string });
  },
  SLOW_MS,
);

test(
  'an IVR that wants its answers to end in a line feed is found out by its copies, and answered so from then on',
  async () => {
    const client = new UdpClient({
      ...{ host: '127.0.0.1', port: portOf(receiver), localHost: '127.0.0.1', retry: 6, intervalMs: 300 },
      requestKey: (request) => Buffer.from(request).toString().split(',').slice(0, 2).join(','),
      responseKey: (response) => /^([^,\n]+,\d+)\n$/.exec(Buffer.from(response).toString())?.[1] ?? null,
    });
    const ask = async (callId: string): Promise<boolean> => {
      const bytes = reportOf({ codec: 'delimited', delimiter: ',', charset: 'utf-8' }, callId, 1, 'Ringing');
      const answer = firstValueFrom(client.send<Uint8Array>('report', bytes));
      return answer.then(
        () => true,
        () => false,
      );
    };
    await Promise.all(['lock-1', 'lock-2', 'lock-3'].map(ask));
    const asked: Promise<boolean>[] = [];
    const calls = setInterval(() => {
      asked.push(ask(`probe-${String(asked.length)}`));
    }, 150);
    const words = ['--source', '127.0.0.1', '--ack-probe', '--seconds', '20', '--save'];
    const { output, exitCode } = await runCommand(calibrateCommand(), ...words, ...api()).finally(() => {
      clearInterval(calls);
    });
    expect(output).toContain('Found: the copies stop after terminator lf.');
    expect(exitCode).toBe(0);
    await Promise.all(asked);
    const before = receiver.counts().transport.received;
    expect(await ask('after')).toBe(true);
    expect(receiver.counts().transport.received).toBe(before + 1);
    await client.close();
  },
  SLOW_MS,
);

test(
  'send-sample sends to the configured port, shows request, answer and where to look, and doctor finds the call whole',
  async () => {
    const port = String(portOf(receiver));
    process.env['IVR_CALL_REPORT_PORT'] = port;
    const command = sendSampleCommand();
    delete process.env['IVR_CALL_REPORT_PORT'];
    const sample = await runCommand(command, '--call-id', 'sample', '--pause', '0', ...api());
    expect(sample.exitCode).toBe(0);
    expect(sample.output.match(/matches: Call ID and Serial Number/g)).toHaveLength(3);
    expect(sample.output).toContain(`${receiver.http}/api/v1/calls?callId=sample`);
    const strange = await Sender.open('127.0.0.9');
    strange.send(portOf(receiver), 'from a stranger');
    await until(() => receiver.counts().transport.refused.source === 1);
    strange.close();
    const { output, exitCode } = await runCommand(doctorCommand(), ...api());
    expect(output).toContain(`port: UDP ${port} is bound on 127.0.0.1`);
    expect(output).toContain('a call with Ringing, OK and Bye: seen: Call ID sample of 127.0.0.1');
    expect(output).toContain('lately from 127.0.0.9');
    expect(output).toContain('UDP_ALLOWED_SOURCES=ivr-1=127.0.0.9');
    expect(exitCode).toBe(1);
  },
  SLOW_MS,
);

test('send-sample tells a closed port from silence, and an address that is not of this host', async () => {
  // The receiver holds its port on 127.0.0.1 alone.
  const target = `127.0.0.3:${String(portOf(receiver))}`;
  const way = ['--target', target, '--states', 'ok', '--retry', '0', '--interval', '0.1', ...api()];
  const sample = await runCommand(sendSampleCommand(), ...way);
  expect(sample).toMatchObject({ exitCode: 1, output: expect.stringContaining('nobody listens on UDP') as string });
  const elsewhere = runCommand(sendSampleCommand(), ...way, '--from', '192.0.2.1');
  await expect(elsewhere).rejects.toThrow('--from 192.0.2.1 cannot be sent from (EADDRNOTAVAIL)');
});

test(
  'what arrived lately can be followed, refused addresses included',
  async () => {
    sender.send(portOf(receiver), 'one');
    await until(() => quarantined() === 1);
    const first = (await (await fetch(`${receiver.http}/api/v1/datagrams`)).json()) as {
      data: Json[];
      page: { nextAfter: string };
    };
    expect(first.data).toMatchObject([{ address: '127.0.0.2', source: '127.0.0.2', fate: 'quarantined', length: 3 }]);
    sender.send(portOf(receiver), reportOf({ codec: 'delimited', charset: 'utf-8' }, 'two', 1, 'OK'));
    await sender.acked(1);
    const next = await listed(`datagrams?after=${first.page.nextAfter}`);
    expect(next).toMatchObject([{ fate: 'first', reason: null, ackBase64: Buffer.from('two,1').toString('base64') }]);
    expect(await listed('datagrams?fate=first&limit=1')).toHaveLength(1);
    for (const faulty of ['limit=0', 'fate=none'])
      expect((await fetch(`${receiver.http}/api/v1/datagrams?${faulty}`)).status).toBe(400);
  },
  SLOW_MS,
);
