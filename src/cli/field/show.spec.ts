/** Guards against: a command printed that a shell refuses or that can do nothing. */
import type { Arrived } from './arrivals.js';
import { shown } from './show.js';

function next(text: string, source = 'ivr-1'): string {
  const arrived: Arrived = {
    ...{ bytes: Buffer.from(text), length: text.length, address: '192.0.2.10', ports: [], source },
    ...{ fate: 'quarantined', reason: 'undetected', detail: '', firstAt: 0, lastAt: 0, copies: 1, spacingMs: [] },
    ...{ ack: null, ackMs: null, acked: 0, again: 0 },
  };
  const line = shown(arrived, { parses: 1, intervalMs: 3_000 }).find((one) => one.startsWith('  next'));
  return (line ?? '').replace(/^ {2}next +/, '');
}

test('a command where there is a codec to try, else words', () => {
  expect(next('a~~1~~OK~~10~~20~~~~5~~x')).toBe("ringledger calibrate --source 'ivr-1' --codec 'delimited:~~'");
  expect(next('garbage')).toMatch(/^nothing reads it\. Fixed columns: count them/);
  expect(next('CallID=a,SN=1,State=OK,Caller=10')).toBe(
    'it is written as key_value with a fault, which no setting mends: without Callee Number',
  );
});

test('a post cannot be set', () => {
  expect(next('{"callId":1}', 'http:sw-1')).toMatch(/^a post of a switch .* what failed in it stands under fate$/);
});
