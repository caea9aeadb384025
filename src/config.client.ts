import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'dotenv';

/**
 * What a command that asks a running server shows it: the key of `RINGLEDGER_KEY`, from the environment or from `.env` in
 * `folder`; nothing without one. The rest of the configuration is the server's and may be faulty or missing here.
 */
export function clientHeaders(
  env: NodeJS.ProcessEnv = process.env,
  folder: string = process.cwd(),
): Readonly<Record<string, string>> {
  const file = join(folder, '.env');
  const written = existsSync(file) ? parse(readFileSync(file)) : {};
  const key = (env['RINGLEDGER_KEY'] ?? written['RINGLEDGER_KEY'] ?? '').trim();
  return key === '' ? {} : { authorization: `Bearer ${key}` };
}
