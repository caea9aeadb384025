/** Keys and requests for tests of access: the application over real HTTP, asked as this and that holder. */
import { request } from 'node:http';
import type { Keys } from '../../src/access/keys.js';
import { SCOPE_NAMES, type Scope } from '../../src/access/scopes.js';
import type { ServedApi } from '../support/api.js';

const MAKER = { name: 'tester', prefix: null, address: 'local' };

/** Everything but `admin`, which would be everything again. */
export const PLAIN_SCOPES: readonly Scope[] = SCOPE_NAMES.filter((scope) => scope !== 'admin');

/** Makes a key and returns what its holder shows. */
export async function keyFor(
  keys: Keys,
  scopes: readonly Scope[],
  more: { readonly sources?: readonly string[]; readonly expiresAt?: number } = {},
): Promise<{ readonly secret: string; readonly prefix: string }> {
  const asked = { name: scopes.join(' ').slice(0, 60), scopes, sources: more.sources ?? null };
  const made = await keys.create({ ...asked, expiresAt: more.expiresAt ?? null }, MAKER);
  if ('faults' in made) throw new Error(JSON.stringify(made.faults));
  return { secret: made.secret, prefix: made.key.prefix };
}

export function shown(secret: string): Record<string, string> {
  return { authorization: `Bearer ${secret}` };
}

/** The status of a route, and its body as text. */
export async function read(
  api: Pick<ServedApi, 'url'>,
  path: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<{ readonly status: number; readonly text: string; readonly headers: Headers }> {
  const response = await fetch(`${api.url}${path}`, { headers });
  return { status: response.status, text: await response.text(), headers: response.headers };
}

/** As `read`, with headers that fetch makes itself, such as Host. */
export function readRaw(url: string, path: string, headers: Readonly<Record<string, string>>): Promise<number> {
  return new Promise((resolve, reject) => {
    const asked = request(new URL(path, url), { headers }, (response) => {
      response.resume();
      response.once('end', () => {
        resolve(response.statusCode ?? 0);
      });
    });
    asked.once('error', reject);
    asked.end();
  });
}

/** Codes of the errors of a GraphQL request; none when it was answered. */
export async function codes(
  api: ServedApi,
  query: string,
  headers: Record<string, string> = {},
): Promise<readonly unknown[]> {
  const { body } = await api.graphql(query, {}, headers);
  const errors = (body['errors'] ?? []) as { readonly extensions?: { readonly code?: unknown } }[];
  return errors.map(({ extensions }) => extensions?.code);
}
