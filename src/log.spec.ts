/** Guards against a customer's number in a log that goes to a collector, by whatever way it came into a message. */
import { Log } from './log.js';
import { masked, maskedNumber } from './log.mask.js';

const CALLER = '+442071234512';
const HIDDEN = '2071234';

test.each([
  ['+442071234512', '+4420*****12'],
  ['442071234512', '4420*****12'],
  ['12071234512', '1207*****12'],
  ['71234512', '7*****12'],
  ['1234512', '*****12'],
  ['from 442071234512, to 442079876598', 'from 4420*****12, to 4420*****98'],
  ['callee=0044207123451234567890', 'callee=0044*****90'],
])('%s is shown as %s', (text, shown) => {
  expect(masked(text)).toBe(shown);
});

test.each([
  ['+442071234512', '+4420*****12'],
  ['12345678', '1*****78'],
  ['1234567', '*****67'],
  ['123456', '*****'],
  ['7', '*****'],
  ['+7', '+*****'],
  ['', ''],
  ['+', '+'],
  ['anonymous', 'anonymous'],
  ['#31#4420', '*****'],
  ['*123456#', '*****'],
  ['*1#2#3456', '*****'],
  ['#31#442071234512', '3144*****12'],
  ['*#', '*#'],
])('the number %s alone is shown as %s, with five digits hidden or all', (number, shown) => {
  expect(maskedNumber(number)).toBe(shown);
});

test.each([
  'UDP 0.0.0.0:8000',
  '2026-11-22T13:31:07.123Z',
  '127.0.0.1',
  'INGEST_QUEUE_MAX 100000',
  '2001:db8::8a2e:370:7334',
  'SQLSTATE 22P02',
  'failed (12345678-0000-7000-8000-123456789012)',
])('%s stays as it is', (text) => {
  expect(masked(text)).toBe(text);
});

/** The lines that `say` writes. */
function linesOf(say: (log: Log) => void, logLevel: 'info' | 'trace' = 'trace'): readonly string[] {
  const lines: string[] = [];
  say(new Log({ logLevel, logFormat: 'json' }, { write: (line) => lines.push(line) }));
  return lines;
}

const failure = new Error(`row of ${CALLER}`, {
  cause: new Error(`caller ${CALLER}`, { cause: new TypeError(`callee ${CALLER}`) }),
});

test.each<[string, (log: Log) => void]>([
  ['a message', (log) => log.log(`call of ${CALLER}`, 'Ingest')],
  ['an error', (log) => log.error(failure, 'Ingest')],
  ['a message with a stack', (log) => log.error('failed', failure.stack, 'Ingest')],
  ['a context', (log) => log.warn('failed', CALLER)],
  ['an object', (log) => log.debug({ caller: CALLER, nested: [{ callee: CALLER }] })],
  ['an array', (log) => log.verbose([CALLER])],
  ['the last words', (log) => log.fatal(failure)],
])('%s with a number in it is one line without it', (_what, say) => {
  const lines = linesOf(say);
  expect(lines).toHaveLength(1);
  expect(lines[0]).toContain('4420*****12');
  expect(lines[0]).not.toContain(HIDDEN);
});

test('a line has level, time in ISO 8601, context and message', () => {
  const [line = '{}'] = linesOf((log) => log.warn('the queue is full', 'Ingest'));
  expect(JSON.parse(line)).toMatchObject({
    level: 40,
    time: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/) as string,
    context: 'Ingest',
    msg: 'the queue is full',
  });
});

test('an error tells what caused it', () => {
  const [line = '{}'] = linesOf((log) => log.error(failure));
  expect((JSON.parse(line) as { stack: string }).stack).toMatch(
    /caused by Error: caller .*\n {2}caused by TypeError: callee/,
  );
});

test('what Nest says while it starts is for debugging', () => {
  expect(linesOf((log) => log.log('Mapped {/metrics, GET} route', 'RouterExplorer'), 'info')).toEqual([]);
});
