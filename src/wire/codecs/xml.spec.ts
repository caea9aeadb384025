import { encodeAck, parse } from '../codec.js';
import type { Charset } from '../codec.js';
import { encodeText } from '../text/gb18030.js';

const NUMBERS = '<Caller>10</Caller><Callee>20</Callee>';
const REST = `<State>OK</State>${NUMBERS}<MenuID>5</MenuID><MenuName>x</MenuName>`;
const PLAIN = `<R><CallID>a1</CallID><Serial>2</Serial>${REST}</R>`;

function read(datagram: string, charset: Charset = 'utf-8'): ReturnType<typeof parse> {
  return parse(encodeText(datagram, charset), { codec: 'xml', charset });
}

function ack(datagram: string): string {
  const parsed = read(datagram);
  return parsed.ok ? Buffer.from(encodeAck(parsed.mirror)).toString() : `${parsed.reason}: ${parsed.detail}`;
}

test('child elements are the fields, in any order, keys spelled freely, others passed over', () => {
  expect(
    read(
      '<Report version="2"><call_state>Ringing(180)</call_state><MENU-NAME>Sales</MENU-NAME><Extra/>' +
        '<caller-number>2001</caller-number><CalleeNumber>+442079460000</CalleeNumber><ForwardNumber/>' +
        '<SerialNumber>3</SerialNumber><CallID>a1@10.0.0.1</CallID><MenuID>12</MenuID></Report>\r\n',
    ),
  ).toEqual({
    ok: true,
    report: {
      ...{ callId: 'a1@10.0.0.1', serial: '3', state: '180', stateRaw: 'Ringing(180)', callerNumber: '2001' },
      ...{ calleeNumber: '+442079460000', forwardNumber: null, menuId: '12', menuName: 'Sales' },
    },
    mirror: {
      ...{ codec: 'xml', callId: '<CallID>a1@10.0.0.1</CallID>', serial: '<SerialNumber>3</SerialNumber>' },
      ...{ open: '<Report version="2">', delimiter: '', close: '</Report>', terminator: '\r\n' },
    },
  });
});

test('the five predefined entities are text in the record, and the very bytes in the ack', () => {
  const datagram = PLAIN.replace('a1', 'a&amp;1').replace('>x<', '>&lt;A&gt; &quot;B&quot; &apos;C&apos; &amp;lt;<');
  expect(read(datagram)).toMatchObject({ report: { callId: 'a&1', menuName: `<A> "B" 'C' &lt;` } });
  expect(ack(datagram)).toBe('<R><CallID>a&amp;1</CallID><Serial>2</Serial></R>');
});

describe('the ack keeps the declaration, the root and what of its attributes is no field', () => {
  test.each([
    ['elements', PLAIN, '<R><CallID>a1</CallID><Serial>2</Serial></R>'],
    [
      'a declaration and blanks between',
      `<?xml version='1.0' encoding="utf-8" standalone="yes"?>\n${PLAIN.replace('<R>', '<R >\n')}`,
      `<?xml version='1.0' encoding="utf-8" standalone="yes"?>\n<R><CallID>a1</CallID><Serial>2</Serial></R>`,
    ],
    [
      'a name space',
      PLAIN.replace('<R>', '<R xmlns="urn:x" CallerName="1">'),
      '<R xmlns="urn:x" CallerName="1"><CallID>a1</CallID><Serial>2</Serial></R>',
    ],
    [
      'a field among the attributes',
      PLAIN.replace('<MenuID>5</MenuID>', '').replace('<R>', '<R MenuID="5">'),
      '<R><CallID>a1</CallID><Serial>2</Serial></R>',
    ],
    [
      'attributes',
      `<R xmlns:v='urn:x'  Serial='2' State="OK"\n CallID = "a1" Caller="10" Callee="20" />`,
      `<R xmlns:v='urn:x' CallID = "a1" Serial='2'/>`,
    ],
    [
      'attributes of an element that closes apart',
      '<R CallID="a1" Serial="2" State="OK" Caller="10" Callee="20"> </R >',
      '<R CallID="a1" Serial="2"></R >',
    ],
  ])('%s', (_, datagram, expected) => {
    expect(ack(datagram)).toBe(expected);
    expect(expected.length).toBeLessThanOrEqual(datagram.length);
  });
});

describe('refused with a reason', () => {
  test.each([
    ['a document type', `<!DOCTYPE R>${PLAIN}`, 'syntax: a document type, which is refused'],
    [
      'an entity of its own',
      `<?xml version="1.0"?><!DOCTYPE R [<!ENTITY e "x">]>${PLAIN}`,
      'syntax: a document type, which is refused',
    ],
    ['CDATA', PLAIN.replace('>a1<', '><![CDATA[a1]]><'), 'syntax: a CDATA section, which is refused'],
    ['a comment', PLAIN.replace('<Serial>', '<!-- x --><Serial>'), 'syntax: a comment, which is refused'],
    ['a comment before the root', `<!--x-->${PLAIN}`, 'syntax: a comment, which is refused'],
    ['a processing instruction', `<?php x ?>${PLAIN}`, 'syntax: a processing instruction, which is refused'],
    [
      'an entity nobody declared',
      PLAIN.replace('>x<', '>&eacute;<'),
      'syntax: an entity or character reference that is none of the five predefined',
    ],
    [
      'a character reference',
      PLAIN.replace('>a1<', '>&#97;1<'),
      'syntax: an entity or character reference that is none of the five predefined',
    ],
    [
      'a bare ampersand',
      PLAIN.replace('<R>', '<R a="b&c">'),
      'syntax: an entity or character reference that is none of the five predefined',
    ],
    ['a key twice', PLAIN.replace('<MenuID>', '<SN>3</SN><MenuID>'), 'syntax: a key twice'],
    ['a key as attribute and element', PLAIN.replace('<R>', '<R CallID="b">'), 'syntax: a key twice'],
    [
      'Call ID and serial in two places',
      PLAIN.replace('<CallID>a1</CallID>', '').replace('<R>', '<R CallID="a1">'),
      'syntax: Call ID and Serial Number are not both elements or both attributes',
    ],
    [
      'an element in an element',
      PLAIN.replace('>a1<', '><b>a1</b><'),
      'syntax: no flat XML element: stopped at character 3',
    ],
    [
      'an attribute of a field',
      PLAIN.replace('<CallID>', '<CallID t="1">'),
      'syntax: no flat XML element: stopped at character 3',
    ],
    [
      'text between elements',
      PLAIN.replace('<Serial>', 'x<Serial>'),
      'syntax: no flat XML element: stopped at character 22',
    ],
    ['another closing name', PLAIN.replace('</Serial>', '</SN>'), 'syntax: an element is closed by another name'],
    ['another closing root', PLAIN.replace('</R>', '</r>'), 'syntax: the root is closed by another name'],
    [
      'no closing root',
      PLAIN.replace('</R>', ''),
      `syntax: no flat XML element: stopped at character ${String(PLAIN.length - 4)}`,
    ],
    ['a second root', PLAIN + PLAIN, 'syntax: something after the root element'],
    ['no XML', 'a1,2,OK,10,20,,5,x', 'syntax: no flat XML element: stopped at character 0'],
    [
      'a line break in a value',
      PLAIN.replace('>x<', '>x\ny<'),
      'syntax: a line break or another control character inside',
    ],
    ['a key missing', PLAIN.replace('<Serial>2</Serial>', ''), 'fields: without Serial Number'],
    ['an empty Call ID', PLAIN.replace('>a1<', '> <'), 'call_id: Call ID is empty'],
  ])('%s', (_, datagram, expected) => {
    expect(ack(datagram)).toBe(expected);
  });
});

describe('the charset a declaration names', () => {
  const named = (encoding: string): string =>
    `<?xml version="1.0" encoding="${encoding}"?>${PLAIN.replace('>x<', '>销售<')}`;
  test.each([
    ['UTF-8', 'utf-8', '销售'],
    ['utf8', 'utf-8', '销售'],
    ['GBK', 'gb18030', '销售'],
    ['gb2312', 'gb18030', '销售'],
    ['GB18030', 'gb18030', '销售'],
    ['GBK', 'utf-8', 'charset'],
    ['UTF-8', 'gb18030', 'charset'],
    ['ISO-8859-1', 'utf-8', 'charset'],
  ] as const)('%s read in %s', (encoding, charset, expected) => {
    const parsed = read(named(encoding), charset);
    expect(parsed.ok ? parsed.report.menuName : parsed.reason).toBe(expected);
  });

  test('says nothing where all is ASCII', () => {
    expect(read(`<?xml version="1.0" encoding="ISO-8859-1"?>${PLAIN}`)).toMatchObject({ ok: true });
  });
});
