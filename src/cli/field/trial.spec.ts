/** Guards against: columns in another order, or states in another language, counted as read and acknowledged from then on. */
import { bestTrials, isMostlyUnknown, trialSum, tryCodec, unknownStateLines } from './trial.js';

const COMMA = { codec: 'delimited', delimiter: ',', charset: 'utf-8' } as const;

function trialOf(...datagrams: readonly string[]): ReturnType<typeof tryCodec> {
  return tryCodec(
    datagrams.map((text) => Buffer.from(text)),
    COMMA,
  );
}

test.each([
  ['the state first', 'Ringing,19,order1-006,0208,0209,,5,x'],
  ['states in Chinese', 'a,1,振铃,0208,0209,,5,x'],
])('%s: none is counted as parsed, and most are of a state nobody knows', (_, datagram) => {
  const trial = trialOf(datagram, datagram);
  expect(trialSum(trial)).toBe('0 parsed, 0 failed, 2 with a state nobody knows');
  expect(isMostlyUnknown(trial)).toBe(true);
  expect(unknownStateLines(trial)[0]).toMatch(/^2 of 2 with a state nobody knows, such as ".+": .*another order/);
});

test('one new state among many is told, and no reason to refuse', () => {
  const trial = trialOf('a,1,Hold,10,20,,5,x', 'a,2,OK,10,20,,5,x', 'a,3,Bye,10,20,,5,x', 'garbage');
  expect(trialSum(trial)).toBe('2 parsed, 1 failed, 1 with a state nobody knows');
  expect(isMostlyUnknown(trial)).toBe(false);
  expect(unknownStateLines(trial)).toEqual([
    '1 of 4 with a state nobody knows, such as "Hold": a few may be a new state of the switch: they are stored, and move no call',
  ]);
  expect(trial.example?.fields).toMatchObject({ serial: '2' });
});

test('known states are not spoken of, and what reads the most comes first', () => {
  const datagrams = ['a~~1~~OK~~10~~20~~~~5~~x', 'b~~2~~Bye~~10~~20~~~~5~~x'].map((text) => Buffer.from(text));
  const [best] = bestTrials(datagrams, 5);
  expect(best).toMatchObject({ settings: { delimiter: '~~' }, parsed: 2, failed: 0, unknownState: 0 });
  expect(best === undefined ? null : unknownStateLines(best)).toEqual([]);
});
