/** OpenAPI schemas and parameters, made from the contract's tables. */
import type { Enumeration, Field, FieldTable, Kind } from '../../query/field.js';
import { NUMBER_PATTERN, type Parameter, type ParameterTable, VALUES_MAX } from '../../query/parameters.js';

/** As much of an OpenAPI 3.0 schema as the contract needs. */
export interface Schema {
  readonly type?: 'string' | 'integer' | 'number' | 'boolean' | 'array' | 'object';
  readonly format?: string;
  readonly description?: string;
  readonly nullable?: boolean;
  readonly enum?: (string | null)[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly default?: string | number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly pattern?: string;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly items?: Schema;
  readonly properties?: Record<string, Schema>;
  readonly required?: string[];
  readonly $ref?: string;
  readonly allOf?: Schema[];
}

const KINDS: Readonly<Record<Exclude<Kind, 'enum'>, Schema>> = {
  uuid: { type: 'string', format: 'uuid' },
  text: { type: 'string' },
  instant: { type: 'string', format: 'date-time' },
  span: { type: 'integer', format: 'int64' },
  count: { type: 'integer', format: 'int32' },
  ratio: { type: 'number', format: 'double' },
  flag: { type: 'boolean' },
  bytes: { type: 'string', format: 'byte' },
};

/** A reference to a schema of `components`. */
export function reference(name: string): Schema {
  return { $ref: `#/components/schemas/${name}` };
}

function enumSchema(enumeration: Enumeration, nullable: boolean): Schema {
  return { type: 'string', enum: nullable ? [...enumeration.values, null] : [...enumeration.values] };
}

function fieldSchema({ kind, enumeration, description, nullable, list }: Field): Schema {
  const one = enumeration === undefined ? KINDS[kind === 'enum' ? 'text' : kind] : enumSchema(enumeration, nullable);
  const schema: Schema = list ? { type: 'array', items: one } : one;
  return { ...schema, description, ...(nullable ? { nullable } : {}) };
}

/** The schema of a contract table: every field is always there, null where it is not known. */
export function tableSchema(table: FieldTable): Schema {
  const properties = Object.fromEntries(Object.entries(table).map(([name, field]) => [name, fieldSchema(field)]));
  return { type: 'object', properties, required: Object.keys(table) };
}

/** The answer of a list: `{ data, page, asOf, feed }` and what else it says. */
export function listSchema(row: string, more: Record<string, Schema> = {}): Schema {
  const properties: Record<string, Schema> = {
    data: { type: 'array', items: reference(row) },
    ...more,
    page: reference('Paging'),
    asOf: { type: 'string', format: 'date-time', description: 'Everything acknowledged before is in the answer.' },
    feed: { type: 'array', items: reference('Feed'), description: 'How far each source can be trusted.' },
  };
  return { type: 'object', properties, required: Object.keys(properties) };
}

const PARAMETER_KINDS: Readonly<Record<Exclude<Parameter['kind'], 'enum' | 'order'>, Schema>> = {
  text: { type: 'string' },
  number: { type: 'string', pattern: NUMBER_PATTERN },
  instant: { type: 'string', format: 'date-time' },
  count: { type: 'integer', format: 'int64' },
  flag: { type: 'boolean' },
};

function parameterSchema(parameter: Parameter): Schema {
  const { kind, many, enumeration, minimum, maximum, preset, lengthMin = 1, lengthMax } = parameter;
  const base: Schema =
    enumeration === undefined
      ? PARAMETER_KINDS[kind === 'enum' || kind === 'order' ? 'text' : kind]
      : enumSchema(enumeration, false);
  const one: Schema = {
    ...base,
    ...(minimum === undefined ? {} : { minimum }),
    ...(maximum === undefined ? {} : { maximum }),
    ...(preset === undefined ? {} : { default: preset }),
    ...(lengthMax === undefined ? {} : { minLength: lengthMin, maxLength: lengthMax }),
  };
  return many ? { type: 'array', items: one, minItems: 1, maxItems: VALUES_MAX } : one;
}

export interface QueryParameter {
  readonly name: string;
  readonly required: false;
  readonly description: string;
  readonly schema: Schema;
}

/** The query parameters of a list. */
export function queryParameters(table: ParameterTable): readonly QueryParameter[] {
  return Object.entries(table).map(([name, parameter]) => ({
    name,
    required: false,
    description: parameter.description,
    schema: parameterSchema(parameter),
  }));
}
