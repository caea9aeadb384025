import type { KeyChange, KeyRef } from '../../ingest/ports.js';
import { Remembered } from './remembered.js';

function keyOf(name: string): KeyRef {
  return { callKey: name, sourceKey: 's', callId: name };
}

function changeOf(name: string, expectedVersion: number): KeyChange {
  return {
    ...{ key: keyOf(name), expectedVersion, notifications: [], document: { c: [], n: [], calls: [] }, lastAt: 0 },
    ...{ raw: [], calls: [], superseded: [], gaps: [] },
  };
}

function unreadOf(remembered: Remembered, names: readonly string[], now = 0): readonly string[] {
  return remembered.recall(names.map(keyOf), now).unread.map(({ callKey }) => callKey);
}

test('what was stored is not read again, what was not is', () => {
  const remembered = new Remembered();
  remembered.keep([changeOf('a', 0)]);
  expect(unreadOf(remembered, ['a', 'b'])).toEqual(['b']);
  expect(remembered.recall([keyOf('a')], 0).stored.get('a')?.version).toBe(1);
});

test('of two writes that come back in the wrong order the newer one stays', () => {
  const remembered = new Remembered();
  remembered.keep([changeOf('a', 5)]);
  remembered.keep([changeOf('a', 4)]);
  expect(remembered.recall([keyOf('a')], 0).stored.get('a')?.version).toBe(6);
});

test('a thousand keys in a row that were new make the next unknown one new, and one that was stored ends it', () => {
  const remembered = new Remembered();
  remembered.learn(999, 0);
  expect(unreadOf(remembered, ['x'])).toEqual(['x']);
  remembered.learn(1, 0);
  expect(unreadOf(remembered, ['x'])).toEqual([]);
  remembered.learn(1, 1);
  expect(unreadOf(remembered, ['x'])).toEqual(['x']);
});

test('after a lost write everything is read for five seconds', () => {
  const remembered = new Remembered();
  remembered.keep([changeOf('a', 0)]);
  remembered.learn(5_000, 0);
  remembered.doubt(1_000);
  expect(unreadOf(remembered, ['a', 'b'], 5_999)).toEqual(['a', 'b']);
  expect(unreadOf(remembered, ['a', 'b'], 6_000)).toEqual(['b']);
});

test('a key whose write failed is read', () => {
  const remembered = new Remembered();
  remembered.keep([changeOf('a', 0), changeOf('b', 0)]);
  remembered.forget([keyOf('a')]);
  expect(unreadOf(remembered, ['a', 'b'])).toEqual(['a']);
});

test('no more than 20,000 keys are remembered, the least recently stored forgotten first', () => {
  const remembered = new Remembered();
  remembered.keep([changeOf('old', 0), changeOf('busy', 0)]);
  remembered.keep(Array.from({ length: 19_999 }, (_, index) => changeOf(String(index), 0)));
  remembered.keep([changeOf('busy', 1), changeOf('newest', 0)]);
  expect(unreadOf(remembered, ['old', 'busy', 'newest', '1'])).toEqual(['old']);
});
