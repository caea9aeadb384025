import { parse } from './codec.js';

/** What becomes of `callId,serial,state,caller,callee,forward,menuId,menuName`. */
function outcome(...fields: readonly string[]): string {
  const parsed = parse(Buffer.from(fields.join(',')), { codec: 'delimited', charset: 'utf-8' });
  return parsed.ok ? 'stored' : `${parsed.reason}: ${parsed.detail}`;
}

describe('what a field may be', () => {
  test.each([
    ['a serial that is no number: its meaning is learned', ['a', 'x-9', 'OK', '1', '2', '', '', '']],
    ['a state nobody knows', ['a', '1', 'Hold', '1', '2', '', '', '']],
    ['a Call ID of 256 bytes', ['a'.repeat(256), '1', 'OK', '1', '2', '', '', '']],
    ['a SIP Call-ID with odd characters', ['"\\~:/[{<a@b', '1', 'OK', '1', '2', '', '', '']],
    ['a serial of 64 digits', ['a', '9'.repeat(64), 'OK', '1', '2', '', '', '']],
    ['numbers with +, * and #', ['a', '1', 'OK', '+4420', '*31#0170', '##21#', '', '']],
    ['a withheld caller', ['a', '1', 'OK', 'Anonymous', '2', '', '', '']],
    ['no number at all', ['a', '1', 'OK', '', '', '', '', '']],
    ['a name of 85 Chinese characters, 255 bytes', ['a', '1', 'OK', '1', '2', '', '', '销'.repeat(85)]],
  ])('%s is stored', (_, fields) => {
    expect(outcome(...fields)).toBe('stored');
  });

  test.each([
    ['call_id: Call ID is empty', [' ', '1', 'OK', '1', '2', '', '', '']],
    ['call_id: Call ID is longer than 256 bytes', ['a'.repeat(1000), '1', 'OK', '1', '2', '', '', '']],
    ['call_id: Call ID is longer than 256 bytes', ['销'.repeat(86), '1', 'OK', '1', '2', '', '', '']],
    ['serial: Serial Number is empty', ['a', '', 'OK', '1', '2', '', '', '']],
    ['serial: Serial Number reads as the event time of a post', ['a', ' eventTime=0', 'OK', '1', '2', '', '', '']],
    ['serial: Serial Number is longer than 64 bytes', ['a', '9'.repeat(65), 'OK', '1', '2', '', '', '']],
    ['state: Call State is empty', ['a', '1', '', '1', '2', '', '', '']],
    ['state: Call State is longer than 64 bytes', ['a', '1', 'x'.repeat(65), '1', '2', '', '', '']],
    ['number: Caller Number is no number', ['a', '1', 'OK', '12a4', '2', '', '', '']],
    ['number: Caller Number is no number', ['a', '1', 'OK', 'sip:1@b', '2', '', '', '']],
    ['number: Callee Number is no number', ['a', '1', 'OK', '1', 'anonymous', '', '', '']],
    ['number: Callee Number is no number', ['a', '1', 'OK', '1', '1'.repeat(33), '', '', '']],
    ['number: Callee Number is no number', ['a', '1', 'OK', '1', '1+2', '', '', '']],
    ['number: Forward Number is no number', ['a', '1', 'OK', '1', '2', 'x', '', '']],
    ['menu: Menu ID is longer than 256 bytes', ['a', '1', 'OK', '1', '2', '', 'm'.repeat(257), '']],
    ['menu: Menu Name is longer than 256 bytes', ['a', '1', 'OK', '1', '2', '', '', 'm'.repeat(257)]],
  ])('%s', (reason, fields) => {
    expect(outcome(...fields)).toBe(reason);
  });
});
