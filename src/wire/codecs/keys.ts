/** The keys of key=value and JSON: matched ignoring case, space, `_` and `-` (docs/wire.md, "What is accepted"). */
import { failure } from '../reading.js';
import type { FieldName, ParseFailure, RawFields } from '../reading.js';

const FIELD_OF_KEY: ReadonlyMap<string, FieldName> = new Map<string, FieldName>([
  ['callid', 'callId'],
  ['serialnumber', 'serial'],
  ['serial', 'serial'],
  ['sn', 'serial'],
  ['callstate', 'state'],
  ['state', 'state'],
  ['callernumber', 'callerNumber'],
  ['caller', 'callerNumber'],
  ['calleenumber', 'calleeNumber'],
  ['callee', 'calleeNumber'],
  ['forwardnumber', 'forwardNumber'],
  ['forward', 'forwardNumber'],
  ['menuid', 'menuId'],
  ['menuname', 'menuName'],
]);

/** Forward Number, Menu ID and Menu Name may be left out; whether an empty one is, is unknown (docs/wire.md). */
const REQUIRED: readonly (readonly [FieldName, string])[] = [
  ['callId', 'Call ID'],
  ['serial', 'Serial Number'],
  ['state', 'Call State'],
  ['callerNumber', 'Caller Number'],
  ['calleeNumber', 'Callee Number'],
];

/** Which field a key names; undefined for a key of someone else's. */
export function fieldOfKey(key: string): FieldName | undefined {
  return FIELD_OF_KEY.get(key.toLowerCase().replace(/[\s_-]+/g, ''));
}

/** All fields from those that were found; fails with `fields` when one is missing that must be there. */
export function completeFields(
  found: ReadonlyMap<FieldName, string>,
): { readonly ok: true; readonly fields: RawFields } | ParseFailure {
  const missing = REQUIRED.filter(([field]) => !found.has(field)).map(([, name]) => name);
  if (missing.length > 0) {
    return failure('fields', `without ${missing.join(', ')}`);
  }
  const text = (field: FieldName): string => found.get(field) ?? '';
  return {
    ok: true,
    fields: {
      callId: text('callId'),
      serial: text('serial'),
      state: text('state'),
      callerNumber: text('callerNumber'),
      calleeNumber: text('calleeNumber'),
      forwardNumber: text('forwardNumber'),
      menuId: text('menuId'),
      menuName: text('menuName'),
    },
  };
}
