import { encodeAck, parse } from '../codec.js';
import type { CodecSettings } from '../codec.js';
import { scanFlatObject } from './json.js';

const json: CodecSettings = { codec: 'json', charset: 'utf-8' };

function read(datagram: string): object | string {
  const parsed = parse(Buffer.from(datagram), json);
  return parsed.ok
    ? { ...parsed.report, ack: Buffer.from(encodeAck(parsed.mirror)).toString() }
    : `${parsed.reason}: ${parsed.detail}`;
}

/** A full object whose Call ID and serial members are given. */
function object(callId: string, serial: string, rest = ''): string {
  return `{${callId},${serial},"CallState":"OK","CallerNumber":"10","CalleeNumber":"20"${rest}}`;
}

describe('JSON', () => {
  test.each([
    [
      'text',
      object('"CallID":"a1"', '"SerialNumber":"2"'),
      { callId: 'a1', serial: '2', ack: '{"CallID":"a1","SerialNumber":"2"}' },
    ],
    ['numbers', object('"callId":17', '"sn":2'), { callId: '17', serial: '2', ack: '{"callId":17,"sn":2}' }],
    [
      'a number over 2^53',
      object('"CallID":9007199254740993', '"SN":1'),
      { callId: '9007199254740993', ack: '{"CallID":9007199254740993,"SN":1}' },
    ],
    [
      'blanks',
      object(' "CallID" : "a1" ', '\n"SN"\t:\r\n2').concat('\n'),
      { callId: 'a1', ack: '{"CallID":"a1","SN":2}\n' },
    ],
    [
      'escapes',
      object(String.raw`"CallID":"a\/\u0031\"\ud83d\ude00"`, '"SN":2'),
      { callId: 'a/1"😀', ack: String.raw`{"CallID":"a\/\u0031\"\ud83d\ude00","SN":2}` },
    ],
    ['null is empty', object('"CallID":"a"', '"SN":2', ',"ForwardNumber":null'), { forwardNumber: null }],
    [
      'numbers as numbers',
      '{"CallID":"a","SN":1,"State":-5,"Caller":10,"Callee":20,"MenuID":7}',
      { state: 'ringing', callerNumber: '10', menuId: '7' },
    ],
    ['a key of someone else', object('"CallID":"a"', '"SN":2', ',"version":1.5e3,"test":true'), { callId: 'a' }],
    ['a prototype name as a key', object('"CallID":"a"', '"SN":2', ',"__proto__":"x"'), { callId: 'a' }],
    [
      'an escaped line break in a name',
      object('"CallID":"a"', '"SN":2', String.raw`,"MenuName":"a\nb"`),
      { menuName: 'a\nb' },
    ],
  ])('%s', (_, datagram, expected) => {
    expect(read(datagram)).toMatchObject(expected);
  });
});

describe('bad JSON', () => {
  test.each([
    ['an empty object', '{}', 'fields: without Call ID, Serial Number, Call State, Caller Number, Callee Number'],
    ['an array', '[1,2]', 'syntax: no flat JSON object: stopped at character 0'],
    ['a truncated object', '{"CallID":"a1","Ser', 'syntax: no flat JSON object: stopped at character 15'],
    ['a nested object', object('"CallID":{"a":1}', '"SN":2'), 'syntax: no flat JSON object: stopped at character 1'],
    ['a nested array', object('"CallID":"a"', '"SN":[2]'), 'syntax: no flat JSON object: stopped at character 14'],
    ['a comma at the end', '{"CallID":"a",}', 'syntax: no flat JSON object: stopped at character 14'],
    [
      'a number with a leading zero',
      object('"CallID":"a"', '"SN":02'),
      'syntax: no flat JSON object: stopped at character 14',
    ],
    [
      'a raw line break in a string',
      object('"CallID":"a\nb"', '"SN":2'),
      'syntax: no flat JSON object: stopped at character 1',
    ],
    ['two objects', '{"a":1}{"b":2}', 'syntax: something after the JSON object'],
    ['a key twice', object('"CallID":"a"', '"SN":2', ',"call_id":"b"'), 'syntax: a key twice'],
    ['a truth value', object('"CallID":true', '"SN":2'), 'syntax: true or false where text or a number belongs'],
    ['an escaped NUL', object(String.raw`"CallID":"a\u0000"`, '"SN":2'), 'nul: an escaped NUL'],
    ['half a surrogate pair', object(String.raw`"CallID":"a\ud800"`, '"SN":2'), 'charset: half a surrogate pair'],
    [
      'a control character in a Call ID',
      object(String.raw`"CallID":"a\nb"`, '"SN":2'),
      'call_id: Call ID holds a control character',
    ],
    ['a missing serial', '{"CallID":"a","State":"OK","Caller":"","Callee":""}', 'fields: without Serial Number'],
    ['a null Call ID', object('"CallID":null', '"SN":2'), 'call_id: Call ID is empty'],
  ])('%s is refused', (_, datagram, reason) => {
    expect(read(datagram)).toBe(reason);
  });

  test('60,000 characters of an unfinished string are refused, not run through again and again', () => {
    expect(scanFlatObject(`{"${'\\n'.repeat(30_000)}`)).toMatchObject({ ok: false, reason: 'syntax' });
  });
});
