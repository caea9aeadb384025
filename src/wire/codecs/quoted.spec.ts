import { encodeAck, parse } from '../codec.js';
import type { CodecSettings } from '../codec.js';

const QUOTED: CodecSettings = { codec: 'delimited', quoted: true, charset: 'utf-8' };

/** Forward Number, Menu ID, Menu Name and the ack; or the reason. */
function read(datagram: string, settings = QUOTED): readonly (string | null)[] | string {
  const parsed = parse(Buffer.from(datagram), settings);
  if (!parsed.ok) {
    return `${parsed.reason}: ${parsed.detail}`;
  }
  const { forwardNumber, menuId, menuName } = parsed.report;
  return [forwardNumber, menuId, menuName, Buffer.from(encodeAck(parsed.mirror)).toString()];
}

const open = (field: number): string => `syntax: the quotes of field ${String(field)} do not close before a delimiter`;

test.each([
  ['every field quoted', '"a","1","OK","10","20","30","5","Sales"\r\n', ['30', '5', 'Sales', '"a","1"\r\n']],
  ['some quoted', 'a,1,"OK",10,20,,"5,6","Sales, ""north"""', [null, '5,6', 'Sales, "north"', 'a,1']],
  ['none quoted', 'a,1,OK,10,20,30,5,Sales, north', ['30', '5', 'Sales, north', 'a,1']],
  ['a quoted Call ID that holds the delimiter', '"a,b",1,OK,10,20,30,5,x', ['30', '5', 'x', '"a,b",1']],
  ['a delimiter at the end', '"a","1","OK","10","20","","5","x",', [null, '5', 'x', '"a","1"']],
  ['such a one after a name that is not quoted', 'a,1,OK,10,20,,5,x,', [null, '5', 'x', 'a,1']],
  ['seven fields', '"a","1","OK","10","20","5","Sales"', [null, '5', 'Sales', '"a","1"']],
  ['empty ones', '"a","1","OK","10","","","",""', [null, null, null, '"a","1"']],
  ['a quote inside a field is text', 'a,1,OK,10,20,,5,the "A" menu', [null, '5', 'the "A" menu', 'a,1']],
  ['a quote that does not close', '"a,1,OK,10,20,,5,x', open(1)],
  ['text after a closing quote', 'a,1,"OK"x,10,20,,5,x', open(3)],
  ['text after the last one', 'a,1,OK,10,20,,5,"x" y', open(8)],
  ['six fields', '"a","1","OK","10","20","5"', 'fields: 6 fields where 8 belong'],
  [
    'a line break in a quoted field',
    'a,1,OK,10,20,,5,"x\ny"',
    'syntax: a line break or another control character inside',
  ],
])('%s', (_, datagram, expected) => {
  expect(read(datagram)).toEqual(expected);
});

test('a delimiter of several characters is read with quotes too', () => {
  expect(read('"a"||1||OK||10||20||||5||"x||y"', { ...QUOTED, delimiter: '||' })).toEqual([
    null,
    '5',
    'x||y',
    '"a"||1',
  ]);
});
