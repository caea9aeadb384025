import { candidates, detect } from './detect.js';
import type { Detection } from './detect.js';
import { KEY_SPELLINGS, encodeReport } from '../encode.js';
import type { KeySpelling, WireFields } from '../encode.js';
import { encodeText, gb18030Text } from '../text/gb18030.js';

const FIELDS: WireFields = {
  callId: 'a1@10.0.0.1',
  serial: '1',
  state: 'Ringing(180)',
  callerNumber: '2001',
  calleeNumber: '442079460000',
  forwardNumber: '',
  menuId: '12',
  menuName: 'Sales',
};

function found(detection: Detection): object | string {
  return detection.ok ? detection.settings : detection.reason;
}

describe('one candidate holds', () => {
  test.each([',', '|', ';', '\t', '^'])('delimited by %j', (delimiter) => {
    const settings = { codec: 'delimited', delimiter, charset: 'utf-8' } as const;
    expect(found(detect(encodeReport(FIELDS, settings)))).toEqual(settings);
  });

  test.each([',', '|', ';', '\t', '^', '&', '\n', '\r\n'])('key=value separated by %j', (delimiter) => {
    const settings = { codec: 'key_value', delimiter, charset: 'utf-8' } as const;
    expect(found(detect(encodeReport(FIELDS, settings)))).toEqual(settings);
  });

  test.each(Object.keys(KEY_SPELLINGS) as KeySpelling[])('JSON and key=value with %s keys', (keys) => {
    expect(found(detect(encodeReport(FIELDS, { codec: 'json', charset: 'utf-8', keys })))).toEqual({
      codec: 'json',
      charset: 'utf-8',
    });
    expect(found(detect(encodeReport(FIELDS, { codec: 'key_value', charset: 'utf-8', keys })))).toMatchObject({
      codec: 'key_value',
      delimiter: ',',
    });
  });

  test.each(['a|b|c|d|e|f|g|h', 'x;1;OK', 'k=v&l=w', '{"a":1}', '"a"^^^^^^^'])(
    'a Menu Name of %j does not make it ambiguous: the other codec fails on a shape',
    (menuName) => {
      const settings = { codec: 'delimited', delimiter: ',', charset: 'utf-8' } as const;
      expect(found(detect(encodeReport({ ...FIELDS, menuName }, settings)))).toEqual(settings);
    },
  );

  test('a state that moves nothing is still a known one', () => {
    expect(found(detect(Buffer.from('a,1,-7,10,20,,5,x')))).toMatchObject({ codec: 'delimited' });
  });
});

describe('fails closed', () => {
  /** One report in every way of writing; `holds`: what detection may take it for. */
  const written: readonly (readonly [name: string, datagram: string, holds: string])[] = [
    ['commas', 'a,1,OK,10,20,,5,x', 'delimited'],
    ['commas and blanks', 'a, 1, OK, 10, 20, , 5, x', 'delimited'],
    ['commas, a quote in a name', 'a,1,OK,10,20,,5,the "A" menu', 'delimited'],
    ['key=value', 'CallID=a,SN=1,State=OK,Caller=10,Callee=20', 'key_value'],
    ['JSON', '{"CallID":"a","SN":1,"State":"OK","Caller":"10","Callee":"20"}', 'json'],
    ['XML', '<r><CallID>a</CallID><SN>1</SN><State>OK</State><Caller>1</Caller><Callee>2</Callee></r>', 'xml'],
    [
      'XML whose Call ID is a report by commas',
      '<r CallID="a,1,OK,10,20,,5,x" SN="1" State="OK" Caller="1" Callee="2"/>',
      'ambiguous',
    ],
    [
      'XML whose text would be a report by commas',
      '<r><CallID>a</CallID><SN>1,1,OK,10,20,,5,</SN><State>OK</State><Caller>1</Caller><Callee>2</Callee></r>',
      'ambiguous',
    ],
    ['JSON within a report by commas', 'a,1,OK,10,20,,5,{"CallID":"a"}', 'delimited'],
    ['XML within a report by commas', 'a,1,OK,10,20,,5,<r CallID="a"/>', 'delimited'],
    ['two pipes', 'a||1||OK||10||20||||5||x', 'undetected'],
    ['two commas', 'a,,1,,OK,,10,,20,,,,5,,x', 'undetected'],
    ['colons', 'a:1:OK:10:20::5:x', 'undetected'],
    ['all quoted', '"a","1","OK","10","20","","5","x"', 'undetected'],
    ['numbers not quoted', '"a","1","OK",10,20,"",5,"x"', 'undetected'],
    ['identity and name quoted, no forward', '"a","1","OK",10,20,5,"x"', 'ambiguous'],
    ['a quoted name', 'a,1,OK,10,20,,5,"Sales, north"', 'ambiguous'],
    ['lengths of 1 byte', '\x01a\x011\x02OK\x0210\x0220\0\x015\x01x', 'nul'],
    ['lengths of 1 byte, no field empty', '\x01a\x011\x02OK\x0210\x0220\x0230\x015\x01x', 'undetected'],
    ['lengths of 2 bytes', '\0\x01a\0\x011\0\x02OK\0\x0210\0\x0220\0\0\0\x015\0\x01x', 'nul'],
    ['lengths that are commas', ','.repeat(3) + 'a,,,1,,,OK,,,10,,,20,,,,,,5', 'undetected'],
    ['columns of blanks', 'a     1  OK  10  20      5 x     ', 'undetected'],
    ['columns of NULs', 'a\0\0\x001\0OK\x0010\x0020\x005\0x', 'nul'],
  ];

  test.each(written)('%s', (_, datagram, holds) => {
    const detection = detect(Buffer.from(datagram, 'latin1'));
    expect(detection.ok ? detection.settings.codec : detection.reason).toBe(holds);
  });

  test('two pipes after UTF-8 are not taken for one pipe after a character of GB18030 that ends in its byte', () => {
    const datagram = Buffer.from('ࠁ||ࠁ||OK||2001||||||0||');
    expect(datagram.toString('latin1').startsWith('\xe0\xa0\x81||')).toBe(true);
    expect(detect(datagram)).toEqual({
      ...{ ok: false, reason: 'undetected' },
      detail: 'delimited by "|" holds in gb18030 alone, though the text is valid utf-8',
    });
  });

  test('one that only quoting makes readable names it, so that it can be set', () => {
    expect(detect(Buffer.from('"a","1","OK","10","20","","5","x"'))).toMatchObject({
      detail: 'delimited by "," with quoting holds, but quoting is never guessed: it has to be set',
    });
  });

  test('two codecs that both hold are ambiguous', () => {
    const detection = detect(Buffer.from('a|1|OK|10|20||5|x,1,OK,10,20,,5,y'));
    expect(detection).toEqual({
      ok: false,
      reason: 'ambiguous',
      detail: 'delimited by "," and delimited by "|" both hold',
    });
  });

  test.each([
    ['garbage', 'garbage', 'nearest is delimited by ",": 1 fields where 8 belong'],
    ['a state nobody knows', 'a,1,Hold,10,20,,5,x', 'nearest is delimited by ",": Call State is none that is known'],
    ['a number with letters', 'a,1,OK,1x0,20,,5,x', 'nearest is delimited by ",": Caller Number is no number'],
    ['no number at all', 'a,1,OK,,,,5,x', 'nearest is delimited by ",": neither Caller nor Callee Number'],
    ['an empty serial', 'a,,OK,10,20,,5,x', 'nearest is delimited by ",": Serial Number is empty'],
    [
      'XML with a document type',
      '<!DOCTYPE r><r><CallID>a</CallID></r>',
      'nearest is xml: a document type, which is refused',
    ],
    ['JSON that breaks off', '{"CallID":"a","SN":}', 'nearest is json: no flat JSON object: stopped at character 14'],
    [
      'key=value without a serial',
      'CallID=a|State=OK|Caller=1|Callee=2',
      'nearest is key_value by "|": without Serial Number',
    ],
    ['six fields', 'a,1,OK,10,20,5', 'nearest is delimited by ",": 6 fields where 8 belong'],
  ])('%s is undetected, with the nearest codec and its reason', (_, datagram, detail) => {
    expect(detect(Buffer.from(datagram))).toEqual({ ok: false, reason: 'undetected', detail });
  });

  test.each([
    ['', 'empty'],
    ['\r\n', 'empty'],
    ['a\0,1,OK,10,20,,5,x', 'nul'],
    ['\u00ff', 'charset'],
  ])('%j has a reason of its own: %s', (datagram, reason) => {
    expect(detect(Buffer.from(datagram, 'latin1'))).toMatchObject({ ok: false, reason });
  });
});

describe('charset', () => {
  const named = (menuName: string): string => `a,1,OK,10,20,,5,${menuName}`;

  test('ASCII is whatever is leant to and proves nothing', () => {
    expect(detect(Buffer.from(named('x')))).toMatchObject({ settings: { charset: 'utf-8' }, charsetDecisive: false });
    expect(detect(Buffer.from(named('x')), 'gb18030')).toMatchObject({ settings: { charset: 'gb18030' } });
  });

  test('GBK that is no UTF-8 is proof of GB18030', () => {
    expect(detect(encodeText(named('销售'), 'gb18030'))).toMatchObject({
      settings: { charset: 'gb18030' },
      charsetDecisive: true,
      report: { menuName: '销售' },
    });
  });

  test('UTF-8 that is no GB18030 is proof of UTF-8', () => {
    expect(detect(Buffer.from(named('销售')), 'gb18030')).toMatchObject({
      settings: { charset: 'utf-8' },
      charsetDecisive: true,
      report: { menuName: '销售' },
    });
  });

  test('what is valid in both proves neither and follows what is leant to', () => {
    const datagram = Buffer.from(named('中文'));
    const misread = gb18030Text(Buffer.from('中文'));
    expect(misread).toHaveLength(3);
    expect(detect(datagram)).toMatchObject({ charsetDecisive: false, report: { menuName: '中文' } });
    expect(detect(datagram, 'gb18030')).toMatchObject({ charsetDecisive: false, report: { menuName: misread } });
  });
});

test('every candidate is listed for the operator, those that hold first, each other with its reason', () => {
  const listed = candidates(Buffer.from('a|1|OK|10|20||5|x'));
  expect(listed).toHaveLength(15);
  expect(listed[0]).toMatchObject({ settings: { codec: 'delimited', delimiter: '|' }, parsed: { ok: true } });
  expect(listed.slice(1).every(({ parsed }) => !parsed.ok && parsed.detail !== '')).toBe(true);
  expect(candidates(Buffer.from('é'))).toHaveLength(30);
});
