/**
 * The whole product against the simulated IVR, which alone knows what it sent: every codec without loss, every serial
 * meaning with 20 % loss each way. Guards against a ledger whose parts are right and whose whole is not true.
 */
import type { Running } from '../../src/main.js';
import type { Line } from '../../src/simulator/judge/judge.js';
import { simulate, type SimulateOptions } from '../../src/simulator/simulate.js';
import { SENT_SERIAL_MEANINGS } from '../../src/simulator/sender/serials.js';
import type { WireFormat } from '../../src/wire/encode.js';
import { type TestDatabase, testDatabase } from '../support/database.js';
import { QUICK, simulation } from '../support/simulation.js';
import { startReceiver } from '../support/receiver.js';

/** Sending, then two H, a stale limit and a loss window: 40 s where the machine has time. */
const SLOW_MS = 180_000;

/** By names that may stand in a Call ID: the seed is part of it. */
const DELIMITERS = { comma: ',', pipe: '|', semicolon: ';', tab: '\t', caret: '^' };
const FORMATS: readonly (readonly [name: string, format: WireFormat])[] = [
  ...Object.entries(DELIMITERS).map(([name, delimiter]) => {
    return [name, { codec: 'delimited', delimiter, charset: 'utf-8' }] as const;
  }),
  ['gb18030', { codec: 'delimited', delimiter: ',', charset: 'gb18030' }],
  ['keys-and-values', { codec: 'key_value', delimiter: '&', charset: 'utf-8' }],
  ['json', { codec: 'json', charset: 'utf-8' }],
];

/** Without loss; and with everything a network does, under every meaning of Serial Numbers. */
const LOSSY = { lossIn: 0.2, lossBack: 0.2, duplicate: 0.05, reorder: 0.05, failedWithBye: 0.05 };
const CODECS = FORMATS.map(([name, format]) => ({ name, options: { format } }));
const MEANINGS = SENT_SERIAL_MEANINGS.map((serial) => ({ name: serial, options: { ...LOSSY, serial } }));

let database: TestDatabase;
let receiver: Running;
/** Lines that failed, with what they were about, by the name of the run. */
const faults = new Map<string, readonly string[]>();

async function judged({ name, options }: { name: string; options: Partial<SimulateOptions> }): Promise<void> {
  const { judgement } = await simulate(simulation(receiver, { ...options, seed: name }), () => undefined);
  const text = ({ title, value, examples }: Line): string => `${title}: ${String(value)} ${examples.join('; ')}`;
  faults.set(name, judgement.lines.filter(({ ok }) => !ok).map(text));
}

/** All at once, each from an address of its own: most of a run is waiting for deadlines to pass. */
beforeAll(async () => {
  database = await testDatabase();
  receiver = await startReceiver(database, QUICK);
  await Promise.all([...CODECS, ...MEANINGS].map(judged));
}, SLOW_MS);

afterAll(async () => {
  await receiver.stop();
  await database.close();
}, SLOW_MS);

test.each(CODECS)('an IVR that writes $name is told the truth of', ({ name }) => {
  expect(faults.get(name)).toEqual([]);
});

test.each(MEANINGS)('an IVR with $name serials and a fifth lost each way is told the truth of', ({ name }) => {
  expect(faults.get(name)).toEqual([]);
});

test('nothing was refused, quarantined or failed on the way', () => {
  const { transport, datagrams } = receiver.counts();
  expect(datagrams.filter(({ fate }) => fate === 'refused' || fate === 'quarantined')).toEqual([]);
  expect({ failed: transport.failed, refused: transport.refused }).toEqual({
    ...{ failed: 0, refused: { source: 0, stopping: 0 } },
  });
});
