/** Every way an IVR may write, as its bytes would be captured: built without the encoder, so that neither vouches for the other. */
/** A format: what it makes of one report, and the ack that mirrors it. */
export interface Format {
  readonly name: string;
  readonly request: (callId: string, serial: number, state: string) => string;
  readonly ack: (callId: string, serial: number) => string;
  readonly charset?: 'gb18030';
  readonly menuName?: string;
  /** What `sources` calls it. */
  readonly codec: string;
  /** What the operator sets, where it is never guessed. */
  readonly set?: string;
}

const REST = ['442071234567', '442079876543', '1001', '7'];

/** The eight fields between delimiters, with what ends them. */
function delimited(name: string, mark: string, end = '', more: Partial<Format> & { mirrored?: string } = {}): Format {
  const { menuName = 'Main menu', mirrored = end } = more;
  return {
    name,
    request: (callId, serial, state) => [callId, serial, state, ...REST, menuName].join(mark) + end,
    ack: (callId, serial) => `${callId}${mark}${String(serial)}${mirrored}`,
    codec: 'delimited',
    ...more,
  };
}

function keyValue(name: string, mark: string, end = ''): Format {
  return {
    name,
    request: (callId, serial, state) =>
      [
        ...[`CallID=${callId}`, `SN=${String(serial)}`, `CallState=${state}`, 'Caller=442071234567'],
        ...['CalleeNumber=442079876543', 'Forward=1001', 'MenuID=7', 'MenuName=Main menu'],
      ].join(mark) + end,
    ack: (callId, serial) => `CallID=${callId}${mark}SN=${String(serial)}${end}`,
    codec: 'key_value',
  };
}

/** `write` gives the value of a serial as JSON. */
function json(name: string, keys: readonly string[], write: (serial: number) => string, end = ''): Format {
  const [id = '', sn = '', state = '', caller = '', callee = '', forward = '', menuId = '', menuName = ''] = keys;
  return {
    name,
    request: (callId, serial, text) =>
      `{"${id}": "${callId}", "${sn}" :${write(serial)}, "${state}":"${text}", "${caller}":"442071234567",` +
      ` "${callee}":442079876543, "${forward}":"1001", "${menuId}":7, "${menuName}":"Main menu"}${end}`,
    ack: (callId, serial) => `{"${id}":"${callId}","${sn}":${write(serial)}}${end}`,
    codec: 'json',
  };
}

/** `declared` stands before the element, which `end` ends. */
function xmlElements(name: string, declared = '', end = '', more: Partial<Format> = {}): Format {
  const { menuName = 'Main menu' } = more;
  return {
    name,
    request: (callId, serial, state) =>
      `${declared}<Report v="1">\n <Call-ID>${callId}</Call-ID> <SN>${String(serial)}</SN><STATE>${state}</STATE>` +
      '<caller>442071234567</caller><CALLEE>442079876543</CALLEE><Forward_Number>1001</Forward_Number>' +
      `<MenuID>7</MenuID><MenuName>${menuName}</MenuName>\n</Report>${end}`,
    ack: (callId, serial) =>
      `${declared}<Report v="1"><Call-ID>${callId}</Call-ID><SN>${String(serial)}</SN></Report>${end}`,
    codec: 'xml',
    ...more,
  };
}

const XML_ATTRIBUTES: Format = {
  name: 'XML with attributes',
  request: (callId, serial, state) =>
    `<Report MenuName='Main menu' CallID="${callId}" Serial='${String(serial)}' State="${state}" Caller="442071234567"` +
    ' Callee="442079876543" Forward="1001" MenuID="7" />',
  ack: (callId, serial) => `<Report CallID="${callId}" Serial='${String(serial)}'/>`,
  codec: 'xml',
};

function quoted(name: string, end = ''): Format {
  const write = (values: readonly string[]): string => values.map((value) => `"${value}"`).join(',') + end;
  const menuName = 'Sales, north "A"';
  return {
    ...{ name, menuName, codec: 'delimited', set: 'codec: "delimited", quoted: true' },
    request: (callId, serial, state) => write([callId, String(serial), state, ...REST, menuName.replaceAll('"', '""')]),
    ack: (callId, serial) => write([callId, String(serial)]),
  };
}

/** `length` writes the length of a field; all lengths are below 128, so that they are one byte in the charset too. */
function prefixed(name: string, options: string, length: (bytes: number) => string, end = ''): Format {
  const write = (values: readonly string[]): string => values.map((one) => length(one.length) + one).join('') + end;
  return {
    ...{ name, codec: 'length_prefixed', set: `codec: "length_prefixed", ${options}` },
    request: (callId, serial, state) => write([callId, String(serial), state, ...REST, 'Main menu']),
    ack: (callId, serial) => write([callId, String(serial)]),
  };
}

function fixed(name: string, padding: string, end = ''): Format {
  const widths = [24, 8, 14, 16, 16, 8, 3, 20];
  const write = (values: readonly string[]): string =>
    values.map((value, at) => value.padEnd(widths[at] ?? 0, padding)).join('') + end;
  return {
    ...{ name, codec: 'fixed', set: `codec: "fixed", widths: [${widths.join(', ')}]` },
    request: (callId, serial, state) => write([callId, String(serial), state, ...REST, 'Main menu']),
    ack: (callId, serial) => write([callId, String(serial)]),
  };
}

const byte = (value: number): string => String.fromCharCode(value);

const CAMEL = ['callId', 'serialNumber', 'callState', 'callerNumber', 'calleeNumber', 'forwardNumber', 'menuId'];
const SPACED = ['Call ID', 'Serial', 'STATE', 'caller', 'CALLEE', 'forward_number', 'MENU-ID'];

export const FORMATS: readonly Format[] = [
  delimited('commas', ','),
  delimited('pipes', '|'),
  delimited('semicolons', ';'),
  delimited('tabs', '\t'),
  delimited('carets', '^'),
  delimited('commas, ended by CR LF', ',', '\r\n'),
  delimited('pipes, ended by LF', '|', '\n'),
  delimited('commas, ended by NUL', ',', '\0'),
  delimited('commas, ended by LF and NUL', ',', '\n\0'),
  delimited('pipes, padded with NULs', '|', '\0\0\0\0\0\0', { mirrored: '\0' }),
  delimited('commas, one after the last field', ',', ',', { mirrored: '' }),
  delimited('commas, and some in the Menu Name', ',', '', { menuName: 'Sales, north, and support' }),
  delimited('commas, a Menu Name in UTF-8', ',', '', { menuName: '主菜单 – Menü' }),
  delimited('commas, a Menu Name in GB18030', ',', '', { menuName: '主菜单', charset: 'gb18030' }),
  // 亅 is 81 7C: its second byte is that of the delimiter.
  delimited('pipes, a Menu Name in GB18030 with the byte of a pipe', '|', '', {
    menuName: '亅主菜单',
    charset: 'gb18030',
  }),
  keyValue('key=value with ampersands', '&'),
  keyValue('key=value with commas', ','),
  keyValue('key=value, one a line', '\r\n', '\r\n'),
  json('JSON with text serials', [...CAMEL, 'menuName'], (serial) => `"${String(serial)}"`),
  json('JSON with serials beyond 2^53', [...CAMEL, 'menuName'], (serial) => `900719925474099${String(serial)}`),
  json('JSON with other spellings, ended by LF', [...SPACED, 'Menu Name'], String, '\n'),
  xmlElements('XML with elements'),
  xmlElements('XML with a declaration, ended by CR LF', '<?xml version="1.0" encoding="UTF-8"?>\n', '\r\n'),
  xmlElements('XML that declares GBK', '<?xml version="1.0" encoding="GBK"?>', '', {
    ...{ menuName: '主菜单', charset: 'gb18030' },
  }),
  XML_ATTRIBUTES,
  delimited('two pipes', '||', '', { set: 'codec: "delimited", delimiter: "||"' }),
  quoted('quoted fields'),
  quoted('quoted fields, ended by NUL', '\0'),
  prefixed('lengths of 1 byte', 'lengthBytes: 1', byte),
  prefixed('lengths of 2 bytes, ended by LF', 'lengthBytes: 2', (bytes) => `\0${byte(bytes)}`, '\n'),
  prefixed('lengths of 4 bytes, the lowest first', 'lengthBytes: 4, byteOrder: "little"', (n) => `${byte(n)}\0\0\0`),
  fixed('columns of blanks, ended by CR LF', ' ', '\r\n'),
  fixed('columns of NULs', '\0'),
];
