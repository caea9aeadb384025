import { Access } from './access.js';
import { Forbidden, Unauthenticated } from './denied.js';
import { shownNumber, shownRow, shownRows } from './mask.js';
import { SCOPE_NAMES, type Scope } from './scopes.js';

function keyed(scopes: readonly Scope[], sources: readonly string[] | null = null): Access {
  const holder = { kind: 'key', name: 'billing (rl_1)', prefix: 'rl_1', address: '::1', local: true } as const;
  return new Access({ holder, scopes, sources });
}

test('admin is every scope; any other scope is itself alone', () => {
  expect(SCOPE_NAMES.filter((scope) => keyed(['admin']).can(scope))).toEqual(SCOPE_NAMES);
  expect(SCOPE_NAMES.filter((scope) => keyed(['calls:read']).can(scope))).toEqual(['calls:read']);
});

test('without a key made, this machine may do everything but make keys; a stranger nothing', () => {
  expect(SCOPE_NAMES.filter((scope) => !Access.open('::1').can(scope))).toEqual(['admin']);
  expect(SCOPE_NAMES.filter((scope) => Access.stranger('192.0.2.1').can(scope))).toEqual([]);
  expect(Access.stranger('192.0.2.1').sees('ivr')).toBe(false);
});

test('a refusal names the scope to a known holder, and asks a stranger for a key', () => {
  expect(() => keyed(['calls:read']).demand('export', 'An export')).toThrow(
    new Forbidden('An export needs a key with the scope export: to export calls.'),
  );
  expect(() => Access.stranger('192.0.2.1').demand('export')).toThrow(Unauthenticated);
  expect(() => keyed([], ['ivr']).demandEverySource('Metrics')).toThrow(Forbidden);
});

test.each<[string, readonly string[] | null, readonly string[] | undefined, readonly string[] | undefined]>([
  ['all, asked for all', null, undefined, undefined],
  ['all, asked for one', null, ['a'], ['a']],
  ['two, asked for all', ['a', 'b'], undefined, ['a', 'b']],
  ['two, asked for one of them and a foreign one', ['a', 'b'], ['b', 'c'], ['b']],
  ['two, asked for a foreign one', ['a', 'b'], ['c'], []],
])('a key bound to %s', (_what, bound, asked, among) => {
  expect(keyed(['calls:read'], bound).among(asked)).toEqual(among);
});

test('numbers of a record are masked for whoever may not see them, and no field is added', () => {
  const row = { id: '1', callerNumber: '+442071234512', calleeNumber: null, serial: '10000001' };
  const shown = { id: '1', callerNumber: '+4420*****12', calleeNumber: null, serial: '10000001' };
  expect(shownRow(keyed(['calls:read']), row)).toEqual(shown);
  expect(shownRow(keyed(['numbers:clear']), row)).toBe(row);
  expect(shownRows(keyed(['calls:read']), [row])).toEqual([shown]);
  expect(shownNumber(keyed(['calls:read']), null)).toBeNull();
});
