import { encodeAck, parse } from '../codec.js';
import type { CodecSettings } from '../codec.js';

const pairs: CodecSettings = { codec: 'key_value', delimiter: ',', charset: 'utf-8' };
const HEAD = 'CallID=a1,SerialNumber=2,CallState=Bye,CallerNumber=10,CalleeNumber=20';

function read(datagram: string, settings = pairs): object | string {
  const parsed = parse(Buffer.from(datagram), settings);
  return parsed.ok
    ? { ...parsed.report, ack: Buffer.from(encodeAck(parsed.mirror)).toString() }
    : `${parsed.reason}: ${parsed.detail}`;
}

describe('key=value', () => {
  test.each([
    ['all eight', `${HEAD},ForwardNumber=30,MenuID=5,MenuName=Sales`, { forwardNumber: '30', menuName: 'Sales' }],
    ['forward and menu left out', HEAD, { forwardNumber: null, menuId: null, menuName: null }],
    ['a separator at the end', `${HEAD},MenuID=5,`, { menuId: '5' }],
    ['a name that holds the separator', `${HEAD},MenuName=Sales, North`, { menuName: 'Sales, North' }],
    ['a name that looks like a pair', `${HEAD},MenuName=a,CallID=b`, { callId: 'a1', menuName: 'a,CallID=b' }],
    ['a name before other keys', `MenuName=a,b,${HEAD}`, { callId: 'a1', menuName: 'a,b' }],
    ['a key of someone else', `Version=2,${HEAD},MenuID=5`, { menuId: '5' }],
    ['a value that holds "="', `${HEAD},MenuName=a=b`, { menuName: 'a=b' }],
    ['the ack keeps the spelling', HEAD, { ack: 'CallID=a1,SerialNumber=2' }],
    [
      'the ack keeps terminator and order',
      'SN=2,call_id=a1,State=OK,Caller=1,Callee=2\r\n',
      { ack: 'call_id=a1,SN=2\r\n' },
    ],
    [
      'blanks around keys and values',
      'Call ID = a1, Serial = 2, STATE = ok, Caller = 1, Callee = 2',
      { callId: 'a1', ack: 'Call ID = a1, Serial = 2' },
    ],
  ])('%s', (_, datagram, expected) => {
    expect(read(datagram)).toMatchObject(expected);
  });

  test.each([
    ['a key missing', 'CallID=a1,CallState=OK,Caller=1,Callee=2', 'fields: without Serial Number'],
    ['garbage', 'garbage', 'syntax: a piece without "="'],
    [
      'only keys of someone else',
      'a=1,b=2',
      'fields: without Call ID, Serial Number, Call State, Caller Number, Callee Number',
    ],
    ['a key twice', `${HEAD},SN=3`, 'syntax: a key twice'],
    ['a piece without "="', `CallID=a1,b,SerialNumber=1`, 'syntax: a piece without "="'],
    ['two lines', `${HEAD},MenuName=a\n${HEAD}`, 'syntax: a line break or another control character inside'],
    ['an empty Call ID', HEAD.replace('a1', ''), 'call_id: Call ID is empty'],
  ])('%s is refused', (_, datagram, reason) => {
    expect(read(datagram)).toBe(reason);
  });

  test.each(['|', ';', '\t', '^', '&', '\n', '\r\n', '&&'])('separator %j', (delimiter) => {
    const datagram = `${HEAD},MenuID=5`.replaceAll(',', delimiter);
    expect(read(datagram, { ...pairs, delimiter })).toMatchObject({
      callId: 'a1',
      menuId: '5',
      ack: `CallID=a1${delimiter}SerialNumber=2`,
    });
  });
});
