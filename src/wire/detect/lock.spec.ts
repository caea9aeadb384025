import { encodeText, gb18030Text } from '../text/gb18030.js';
import { UNLOCKED, operatorLock, readDatagram } from './lock.js';
import type { CodecLock } from './lock.js';
import type { Charset } from '../reading.js';

const comma = (callId: string, menuName = 'x'): Uint8Array => Buffer.from(`${callId},1,OK,10,20,,5,${menuName}`);
const pipe = (callId: string): Uint8Array => Buffer.from(`${callId}|1|OK|10|20||5|x`);
const named = (menuName: string, charset: Charset): Uint8Array => encodeText(`a,1,OK,10,20,,5,${menuName}`, charset);

/** Reads datagrams in order: the lock after them and, for each, the Menu Name or the reason. */
function feed(
  datagrams: readonly Uint8Array[],
  start: CodecLock = UNLOCKED,
): { lock: CodecLock; read: (string | null)[] } {
  const read: (string | null)[] = [];
  let lock = start;
  for (const datagram of datagrams) {
    const result = readDatagram(datagram, lock);
    lock = result.lock;
    read.push(result.parsed.ok ? result.parsed.report.menuName : result.parsed.reason);
  }
  return { lock, read };
}

describe('the codec', () => {
  test('three datagrams that agree lock it; each of them is read', () => {
    const two = feed([comma('a'), comma('b')]);
    expect(two.lock).toMatchObject({ agreed: 2, locked: false });
    const three = feed([comma('c')], two.lock);
    expect(three.lock).toEqual({
      settings: { codec: 'delimited', delimiter: ',', charset: 'utf-8' },
      agreed: 3,
      locked: true,
      charsetAgreed: 0,
    });
    expect([...two.read, ...three.read]).toEqual(['x', 'x', 'x']);
  });

  test('another detection starts the count anew', () => {
    expect(feed([comma('a'), comma('b'), pipe('c')]).lock).toMatchObject({
      settings: { delimiter: '|' },
      agreed: 1,
      locked: false,
    });
  });

  test('a datagram that is not detected changes nothing, not even the object', () => {
    const { lock } = feed([comma('a'), comma('b')]);
    const after = feed([Buffer.from('garbage')], lock);
    expect(after.read).toEqual(['undetected']);
    expect(after.lock).toBe(lock);
  });

  test('locked, another codec is refused however often it comes', () => {
    const { lock } = feed([comma('a'), comma('b'), comma('c')]);
    const after = feed([pipe('a'), pipe('b'), pipe('c'), pipe('d'), comma('e')], lock);
    expect(after.read).toEqual(['fields', 'fields', 'fields', 'fields', 'x']);
    expect(after.lock).toBe(lock);
  });

  test('locked, a state nobody knows is stored; before, it is not detected', () => {
    const held = Buffer.from('a,1,Hold,10,20,,5,x');
    expect(feed([held]).read).toEqual(['undetected']);
    const { lock } = feed([comma('a'), comma('b'), comma('c')]);
    expect(readDatagram(held, lock).parsed).toMatchObject({ ok: true, report: { state: 'other:Hold' } });
  });

  test('what an operator sets is locked whole', () => {
    const lock = operatorLock({ codec: 'delimited', delimiter: '|', charset: 'utf-8' });
    expect(feed([pipe('a'), comma('b'), named('销售', 'gb18030')], lock)).toEqual({
      read: ['x', 'fields', 'charset'],
      lock,
    });
  });
});

describe('the charset', () => {
  const ascii = [comma('a'), comma('b'), comma('c')];

  test('a source locked on ASCII may turn out to write GB18030', () => {
    const { lock, read } = feed([...ascii, named('销售', 'gb18030')]);
    expect(read.at(-1)).toBe('销售');
    expect(lock).toMatchObject({ locked: true, settings: { charset: 'gb18030' }, charsetAgreed: 1 });
  });

  test('three proofs lock it: from then on the other charset is refused', () => {
    const { lock } = feed([...ascii, ...Array.from({ length: 3 }, () => named('销售', 'utf-8'))]);
    expect(lock).toMatchObject({ settings: { charset: 'utf-8' }, charsetAgreed: 3 });
    const after = feed([named('销售', 'gb18030'), comma('d'), named('客服', 'utf-8')], lock);
    expect(after.read).toEqual(['charset', 'x', '客服']);
    expect(after.lock).toBe(lock);
  });

  test('text valid in both charsets proves neither and follows the proof there is', () => {
    const both = named('中文', 'utf-8');
    const misread = gb18030Text(Buffer.from('中文'));
    expect(feed([...ascii, both]).read.at(-1)).toBe('中文');
    expect(feed([...ascii, both]).lock.charsetAgreed).toBe(0);
    expect(feed([...ascii, named('销售', 'gb18030'), both]).read.at(-1)).toBe(misread);
  });

  test('ASCII in between does not undo a proof', () => {
    const { lock } = feed([named('销售', 'gb18030'), comma('a'), comma('b'), comma('c'), named('客服', 'gb18030')]);
    expect(lock).toMatchObject({ locked: true, settings: { charset: 'gb18030' }, charsetAgreed: 2 });
  });

  test('bytes of neither charset are refused and change nothing', () => {
    const { lock } = feed(ascii);
    const after = feed([Buffer.concat([comma('a'), Buffer.from('ff', 'hex')])], lock);
    expect(after.read).toEqual(['charset']);
    expect(after.lock).toBe(lock);
  });
});

test('a lock is plain JSON and reads the same after it was stored', () => {
  const { lock } = feed([comma('a'), comma('b'), comma('c')]);
  expect(JSON.parse(JSON.stringify(lock))).toEqual(lock);
});
