import { judgeAckForm, judgeCodec } from './shape.js';

test.each([
  [{}, null],
  [{ content: null, delimiter: null, terminator: null }, null],
  [{ content: 'serial' }, { content: 'serial' }],
  [{ delimiter: '|' }, { delimiter: '|' }],
  [
    { content: 'serial_call_id', delimiter: ', ', terminator: 'crlf' },
    { content: 'serial_call_id', delimiter: ', ', terminator: 'crlf' },
  ],
])('the ack form %j', (asked, value) => {
  expect(judgeAckForm(asked)).toEqual({ ok: true, value });
});

test.each([
  [{ content: 'all' }, 'content must be one of call_id_serial, serial_call_id, call_id, serial, echo'],
  [{ terminator: '\n' }, 'terminator must be one of none, nul, lf, crlf'],
  [{ content: 'serial', delimiter: '|' }, 'delimiter goes with Call ID and Serial Number alone'],
  [{ delimiter: '、' }, 'delimiter must be 1 to 4 ASCII characters'],
  [{ delimiter: '' }, 'delimiter must be 1 to 4 ASCII characters'],
  [{ delimiter: '\n' }, 'delimiter must be 1 to 4 ASCII characters'],
])('the ack form %j is refused', (asked, words) => {
  const judged = judgeAckForm(asked);
  expect(judged.ok ? [] : judged.faults.map(({ parameter, reason }) => `${parameter} ${reason}`)).toEqual([words]);
});

test('what is null or false is not kept, and every fault is told at once', () => {
  const none = { delimiter: null, quoted: false, lengthBytes: null, byteOrder: null, widths: null };
  expect(judgeCodec({ codec: 'xml', charset: 'utf-8', ...none })).toEqual({
    ok: true,
    value: { codec: 'xml', charset: 'utf-8' },
  });
  const judged = judgeCodec({ codec: 'fixed', charset: 'x', delimiter: ',', quoted: true, lengthBytes: 3 });
  expect(judged.ok ? [] : judged.faults.map(({ parameter }) => parameter)).toEqual([
    'charset',
    'delimiter',
    'quoted',
    'lengthBytes',
    'widths',
  ]);
});
