import { encodeAck, parse } from '../codec.js';
import type { CodecSettings } from '../codec.js';
import { encodeText } from '../text/gb18030.js';

const comma: CodecSettings = { codec: 'delimited', delimiter: ',', charset: 'utf-8' };

/** The content as read: forward, menu id, menu name; or the reason. */
function tail(datagram: string, settings = comma): readonly (string | null)[] | string {
  const parsed = parse(Buffer.from(datagram), settings);
  return parsed.ok
    ? [parsed.report.forwardNumber, parsed.report.menuId, parsed.report.menuName]
    : `${parsed.reason}: ${parsed.detail}`;
}

function ack(datagram: Uint8Array, settings: CodecSettings): string {
  const parsed = parse(datagram, settings);
  return parsed.ok ? Buffer.from(encodeAck(parsed.mirror)).toString('latin1') : parsed.reason;
}

test('eight fields are one report', () => {
  expect(parse(Buffer.from('a1@10.0.0.1,3,Ringing(180),2001,+442079460000,,12,Sales\r\n'), comma)).toEqual({
    ok: true,
    report: {
      callId: 'a1@10.0.0.1',
      serial: '3',
      state: '180',
      stateRaw: 'Ringing(180)',
      callerNumber: '2001',
      calleeNumber: '+442079460000',
      forwardNumber: null,
      menuId: '12',
      menuName: 'Sales',
    },
    mirror: { codec: 'delimited', callId: 'a1@10.0.0.1', serial: '3', delimiter: ',', terminator: '\r\n' },
  });
});

describe('the fields that may vary', () => {
  test.each([
    ['all eight', 'a,1,OK,10,20,30,5,Sales', ['30', '5', 'Sales']],
    ['empty forward', 'a,1,OK,10,20,,5,Sales', [null, '5', 'Sales']],
    ['a delimiter at the end', 'a,1,OK,10,20,30,5,Sales,', ['30', '5', 'Sales']],
    ['empty name', 'a,1,OK,10,20,30,5,', ['30', '5', null]],
    ['empty name and a delimiter at the end', 'a,1,OK,10,20,30,5,,', ['30', '5', null]],
    ['a name that holds the delimiter', 'a,1,OK,10,20,30,5,Sales, North', ['30', '5', 'Sales, North']],
    ['such a name and a delimiter at the end', 'a,1,OK,10,20,30,5,Sales, North,', ['30', '5', 'Sales, North']],
    ['seven, the last a number: no name', 'a,1,OK,10,20,30,5', ['30', '5', null]],
    ['seven, the last a word: no forward', 'a,1,OK,10,20,5,Sales', [null, '5', 'Sales']],
    ['blanks around values', 'a, 1, OK, 10, 20, 30, 5, Sales ', ['30', '5', 'Sales']],
    ['quotes are text', 'a,1,OK,10,20,30,5,"Sales"', ['30', '5', '"Sales"']],
    ['no content at all', 'a,1,OK,,,,,', [null, null, null]],
    ['six', 'a,1,OK,10,20,30', 'fields: 6 fields where 8 belong'],
    ['one', 'garbage', 'fields: 1 fields where 8 belong'],
    ['two lines', 'a,1,OK,1,2,3,5,S\na,2,Bye,1,2,3,5,S', 'syntax: a line break or another control character inside'],
    ['an escape character', 'a,1,OK,10,20,30,5,\x1b[2J', 'syntax: a line break or another control character inside'],
  ])('%s', (_, datagram, expected) => {
    expect(tail(datagram)).toEqual(expected);
  });

  test.each([',', '|', ';', '\t', '^', '||', '::', '\x01', '、'])('delimiter %j', (delimiter) => {
    const datagram = ['a', '1', 'OK', '10', '20', '30', '5', `x${delimiter}y`].join(delimiter);
    expect(tail(datagram, { ...comma, delimiter })).toEqual(['30', '5', `x${delimiter}y`]);
    expect(ack(Buffer.from(datagram), { ...comma, delimiter })).toBe(Buffer.from(`a${delimiter}1`).toString('latin1'));
  });

  test.each(['#|#', '*;'])(
    'delimiter %j: its other mark stands in no number, so service codes are read',
    (delimiter) => {
      const datagram = ['a', '1', 'OK', '*21*5#', '##21#*', '', '5', `x${delimiter}y`].join(delimiter);
      expect(parse(Buffer.from(datagram), { ...comma, delimiter })).toMatchObject({
        report: { callerNumber: '*21*5#', calleeNumber: '##21#*', menuName: `x${delimiter}y` },
      });
    },
  );

  const cut = 'fields: a number may hold this delimiter, and the text can be cut in several ways';

  test.each([
    ['#*#', 'a#*#1#*#OK#*#10#*#20#*##*#5#*#Sales', [null, '5', 'Sales']],
    ['#*#', 'a#*#1#*#OK#*##21##*#*21*5#*##*#5#*#Sales', [null, '5', 'Sales']],
    ['*', 'a*1*OK*10*20**5*Sales', [null, '5', 'Sales']],
    ['#', 'a#1#OK#*21*5#20##5#Sales\r\n', [null, '5', 'Sales']],
    ['##', 'a##1##OK##10##20####5##Sales', [null, '5', 'Sales']],
    ['*', 'a*1*OK*10**21**5*Sales', cut],
    ['*', 'a*1*OK*10*20**5*Sales*', cut],
    ['*', 'a*1*OK*10*20*5*Sales', cut],
    ['##', 'a##1##OK##10##*21#####5##Sales', cut],
    ['#*#', 'a#*#1#*#OK#*#*#*#4636#*#*#*#20#*##*#5#*#Sales', cut],
  ])('delimiter %j, which a number may hold: %s', (delimiter, datagram, expected) => {
    expect(tail(datagram, { ...comma, delimiter })).toEqual(expected);
  });

  test('the delimiter is a comma unless it is set', () => {
    expect(tail('a,1,OK,10,20,30,5,Sales', { codec: 'delimited', charset: 'utf-8' })).toEqual(['30', '5', 'Sales']);
  });
});

test('a GBK character that contains the byte of "|" is not cut in two', () => {
  const settings: CodecSettings = { codec: 'delimited', delimiter: '|', charset: 'gb18030' };
  const datagram = encodeText('a|1|OK|10|20||5|攟', 'gb18030');
  expect(Buffer.from(datagram).subarray(-1).toString()).toBe('|');
  expect(parse(datagram, settings)).toMatchObject({ ok: true, report: { menuId: '5', menuName: '攟' } });
  expect(ack(datagram, settings)).toBe('a|1');
});

test.each(['utf-8', 'gb18030'] as const)(
  'the ack repeats the very bytes of a Call ID that is no ASCII in %s',
  (charset) => {
    const settings: CodecSettings = { codec: 'delimited', delimiter: '|', charset };
    const datagram = Buffer.from(encodeText('呼攟😀-7| 09|OK|10|20||5|销售\0', charset));
    expect(ack(datagram, settings)).toBe(Buffer.from(encodeText('呼攟😀-7| 09\0', charset)).toString('latin1'));
  },
);
