/** The contract files: what the program promises, printed from the program itself. */
import { GraphQLSchemaHost } from '@nestjs/graphql';
import type pg from 'pg';
import { lexicographicSortSchema, printSchema } from 'graphql';
import prettier from 'prettier';
import { openApiOf } from '../../src/api/rest/openapi.js';
import type { TestApi } from './api.js';
import { metricsDocument } from './metrics-document.js';

/** `contract/<file>` and what it must hold. */
export async function contractFiles(api: TestApi): Promise<Readonly<Record<string, string>>> {
  const schema = lexicographicSortSchema(api.app.get(GraphQLSchemaHost, { strict: false }).schema);
  return {
    'schema.graphql': `${printSchema(schema)}\n`,
    'openapi.json': await prettier.format(JSON.stringify(openApiOf(api.app)), { parser: 'json', printWidth: 120 }),
    'schema.sql': await schemaSql(api.pool),
    'bi.sql': await biSql(api.pool),
    'metrics.md': metricsDocument(),
  };
}

async function lines(pool: pg.Pool, statement: string): Promise<readonly string[]> {
  const { rows } = await pool.query<{ line: string }>(statement);
  return rows.map(({ line }) => line);
}

/** Tables with their columns, constraints and indexes, in the catalog's own words; partitions made by the day are left out. */
export async function schemaSql(pool: pg.Pool): Promise<string> {
  const tables = await lines(
    pool,
    `select oid::regclass::text as line from pg_class
     where relnamespace = 'public'::regnamespace and relkind in ('r', 'p')
       and relname !~ '^_prisma|^(notification|call_change)_[0-9]' order by 1`,
  );
  const printed: string[] = [];
  for (const table of tables) printed.push(await tableSql(pool, table));
  return `-- The schema of a migrated database, printed from its catalog. Nothing outside schema bi is a promise.\n\n${printed.join('\n')}`;
}

/** What schema bi promises: its views, their columns in order with types, and what each means. */
async function biSql(pool: pg.Pool): Promise<string> {
  const views = await lines(
    pool,
    `select format(E'view %s -- %s\n%s', oid::regclass, coalesce(obj_description(oid), ''), (
       select string_agg(format('  %s %s -- %s', attname, format_type(atttypid, atttypmod),
         coalesce(col_description(attrelid, attnum), '')), E'\n' order by attnum)
       from pg_attribute where attrelid = pg_class.oid and attnum > 0 and not attisdropped)) as line
     from pg_class where relnamespace = 'bi'::regnamespace and relkind in ('v', 'r', 'p', 'm') order by relname`,
  );
  return `-- Schema bi, which is a promise: columns may be added at the end of a view, none is taken away or changed.\n\n${views.join('\n\n')}\n`;
}

async function tableSql(pool: pg.Pool, table: string): Promise<string> {
  const [head = ''] = await lines(
    pool,
    `select coalesce(' partition of ' || inhparent::regclass || ' ' || pg_get_expr(relpartbound, c.oid), '')
         || coalesce(' partition by ' || pg_get_partkeydef(c.oid), '')
         || coalesce(' with (' || array_to_string(reloptions, ', ') || ')', '') as line
     from pg_class c left join pg_inherits on inhrelid = c.oid where c.oid = '${table}'::regclass`,
  );
  const columns = await lines(
    pool,
    `select attname || ' ' || format_type(atttypid, atttypmod) || case when attnotnull then ' not null' else '' end
         || coalesce(' default ' || pg_get_expr(adbin, adrelid), '') as line
     from pg_attribute left join pg_attrdef on adrelid = attrelid and adnum = attnum
     where attrelid = '${table}'::regclass and attnum > 0 and not attisdropped order by attnum`,
  );
  const constraints = await lines(
    pool,
    `select 'constraint ' || conname || ' ' || pg_get_constraintdef(oid) as line from pg_constraint
     where conrelid = '${table}'::regclass and contype <> 'n' order by conname`,
  );
  const indexes = await lines(
    pool,
    `select pg_get_indexdef(indexrelid) || ';' as line from pg_index
     where indrelid = '${table}'::regclass and not exists (select 1 from pg_constraint where conindid = indexrelid) order by 1`,
  );
  const [comment] = await lines(
    pool,
    `select 'comment on table ${table} is ' || quote_literal(d) || ';' as line
     from obj_description('${table}'::regclass) d where d is not null`,
  );
  const body = [...columns, ...constraints].map((line) => `  ${line}`).join(',\n');
  return [
    `create table ${table} (`,
    body,
    `)${head};`,
    ...(comment === undefined ? [] : [comment]),
    ...indexes,
    '',
  ].join('\n');
}
