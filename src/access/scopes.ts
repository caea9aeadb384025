/** What a key can be made for. */

/** Every scope with what it lets its holder do; the order is that of every list of them. */
export const SCOPES = {
  'calls:read': 'read calls, their timelines and their gaps',
  'gaps:read': 'read the gap ledger',
  'stats:read': 'read statistics',
  export: 'export calls',
  'changes:read': 'follow the changes feed',
  'sources:write': 'set sources: codec, acks, meaning, name; replay what was quarantined',
  'quarantine:read': 'read quarantine and what arrived lately',
  'numbers:clear': 'see numbers and raw bytes unmasked, and search by them',
  'metrics:read': 'read metrics and how the receiver does',
  admin: 'everything, and make and revoke keys',
} as const;

export type Scope = keyof typeof SCOPES;

export const SCOPE_NAMES = Object.keys(SCOPES) as readonly Scope[];

export function isScope(text: string): text is Scope {
  return Object.hasOwn(SCOPES, text);
}
