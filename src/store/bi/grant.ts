/** The roles that read schema `bi`. They are the cluster's, and so not a matter of migrations. */
import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { scramVerifier } from './scram.js';

/** Reads `bi` with numbers masked. */
export const BI_ROLE = 'ringledger_bi';
/** Reads `bi` and sees numbers. */
export const BI_CLEAR_ROLE = 'ringledger_bi_clear';

/** A dashboard's query takes seconds; one that takes longer holds up a receiver that shares the machine. */
const STATEMENT_TIMEOUT = '60s';
/** A forgotten transaction keeps the changes feed back and dead rows in place. */
const IDLE_TIMEOUT = '60s';
const CONNECTIONS_MAX = 20;
/** insufficient_privilege; read_only_sql_transaction: a reader of ours, whose sessions are read-only. */
const MAY_NOT = new Set(['42501', '25006']);

/** Set for each role that can log in: settings of a role are not inherited by its members. */
const SETTINGS = {
  default_transaction_read_only: 'on',
  statement_timeout: STATEMENT_TIMEOUT,
  idle_in_transaction_session_timeout: IDLE_TIMEOUT,
  search_path: 'bi',
  timezone: 'UTC',
} as const;

/** A login to make, and what it may see. */
export interface Login {
  readonly name: string;
  readonly clear: boolean;
}

/** A name that needs no quotes in a connection string and is none of ours. */
export function isLoginName(name: string): boolean {
  return /^[a-z_][a-z0-9_]{0,62}$/.test(name) && !/^(pg_|ringledger_bi(_clear)?$|ringledger$|postgres$)/.test(name);
}

function limited(role: string): string[] {
  return Object.entries(SETTINGS).map(([name, value]) => `alter role ${role} set ${name} = '${value}'`);
}

function made(role: string, options: string): string {
  return `do $body$ begin
    if not exists (select from pg_roles where rolname = '${role}') then create role ${role} ${options}; end if;
  end $body$`;
}

/** What makes the two group roles and gives them `bi` and nothing else; may be run again, and after every migration. */
export function roleStatements(): readonly string[] {
  const roles = [BI_ROLE, BI_CLEAR_ROLE];
  const both = roles.join(', ');
  return [
    ...roles.map((role) => made(role, 'nologin')),
    ...roles.flatMap(limited),
    `revoke all on schema public from ${both}`,
    `revoke create on schema public from public`,
    `grant usage on schema bi to ${both}`,
    `grant select on all tables in schema bi to ${both}`,
    // Of whoever makes the views of a later version, which need not be the superuser who runs this.
    `do $body$ begin
      execute format('alter default privileges for role %s in schema bi grant select on tables to ${both}',
        (select nspowner::regrole from pg_namespace where nspname = 'bi'));
    end $body$`,
  ];
}

/**
 * Attributes that a new role has not are not named: even to take one away needs a role that has it (SUPERUSER for `nosuperuser`).
 * A membership is revoked from whoever gave it: `revoke` alone takes back only what the role that connects has given.
 */
function loginStatements({ name, clear }: Login, password: string): readonly string[] {
  const [given, taken] = clear ? [BI_CLEAR_ROLE, BI_ROLE] : [BI_ROLE, BI_CLEAR_ROLE];
  const verifier = scramVerifier(password, randomBytes(16));
  return [
    made(name, 'login'),
    `alter role ${name} login inherit connection limit ${String(CONNECTIONS_MAX)} password '${verifier}'`,
    ...limited(name),
    `grant ${given} to ${name}`,
    `do $body$ declare giver text; begin
      for giver in select grantor::regrole from pg_auth_members
        where member = '${name}'::regrole and roleid = '${taken}'::regrole
      loop
        execute format('revoke ${taken} from ${name} granted by %s', giver);
      end loop;
    end $body$`,
  ];
}

const MORE_THAN_READING = ['rolsuper', 'rolcreaterole', 'rolcreatedb', 'rolreplication', 'rolbypassrls'].join(' or ');

/**
 * An existing role is turned into a reader only if it was one: an operator's own must not be taken over by a slip. PostgreSQL makes whoever
 * makes a role a member of it, with the admin option; that is no reader.
 */
async function mayBecomeLogin(client: pg.ClientBase, name: string): Promise<boolean> {
  const { rows } = await client.query<{ reader: boolean }>(
    `select not (${MORE_THAN_READING}) and exists (
       select from pg_auth_members join pg_roles granted on granted.oid = roleid
       where member = role.oid and not admin_option and granted.rolname in ('${BI_ROLE}', '${BI_CLEAR_ROLE}')) as reader
     from pg_roles role where rolname = $1`,
    [name],
  );
  return rows[0]?.reader ?? true;
}

/**
 * Makes the roles, and a login when asked; all or nothing.
 * @returns the new password of the login; null without one
 * @throws Error with a sentence for the operator when the role that connects may not make roles, or the login is somebody else's
 */
export async function grantBi(url: string, login: Login | null): Promise<string | null> {
  const client = new pg.Client({ connectionString: url, application_name: 'ringledger' });
  await client.connect();
  try {
    await client.query('begin');
    for (const statement of roleStatements()) await client.query(statement);
    if (login === null) {
      await client.query('commit');
      return null;
    }
    if (!(await mayBecomeLogin(client, login.name))) {
      throw new Error(
        `The role ${login.name} exists and is no reader of bi, or more than one; choose another name. Nothing was changed.`,
      );
    }
    const password = randomBytes(24).toString('base64url');
    for (const statement of loginStatements(login, password)) await client.query(statement);
    await client.query('commit');
    return password;
  } catch (error) {
    if (!MAY_NOT.has((error as { code?: string }).code ?? '')) throw error;
    const words =
      'The role of DATABASE_URL may not make roles, or not change those that another made; nothing was changed.';
    const way = `Run this with a superuser in DATABASE_URL, or give it CREATEROLE and, of ${BI_ROLE}, ${BI_CLEAR_ROLE} and the login`;
    throw new Error(`${words} ${way}, if they exist, the admin option.`, { cause: error });
  } finally {
    await client.end();
  }
}
