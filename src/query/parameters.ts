/**
 * Query parameters as tables: REST, OpenAPI and GraphQL all take them from here, and one function reads them.
 * Whatever is wrong with a request is told at once.
 */
import { z } from 'zod';
import { BadParameters, type Fault } from './faults.js';
import type { Enumeration } from './field.js';

/** `number` is a phone number pattern, `order` a sort. */
export type ParameterKind = 'text' | 'instant' | 'count' | 'flag' | 'enum' | 'number' | 'order';

export interface Parameter<T = unknown> {
  readonly kind: ParameterKind;
  readonly description: string;
  /** May be given several times: any of the values matches. */
  readonly many: boolean;
  /** It finds by numbers, as those of kind `number` do: it needs the scope numbers:clear (src/query/admission.ts). */
  readonly clear?: true;
  readonly enumeration?: Enumeration;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly preset?: string | number;
  /** Characters of each value of a text. */
  readonly lengthMin?: number;
  readonly lengthMax?: number;
  readonly schema: z.ZodType<T>;
}

export type ParameterTable = Readonly<Record<string, Parameter>>;

export type ValuesOf<T extends ParameterTable> = {
  readonly [K in keyof T]: T[K] extends Parameter<infer V> ? V : never;
};

/** How a number is matched. */
export interface NumberPattern {
  readonly match: 'exact' | 'prefix' | 'part';
  readonly digits: string;
}

/** Any of at most so many values: 100 numbers in one filter are what users ask for, thousands are an export. */
export const VALUES_MAX = 100;
const TEXT_MAX = 256;
/** A part of 3 digits reads a trigram index 130 times slower than one of 5. */
const PART_DIGITS_MIN = 4;
/** As OpenAPI says it; `numberSchema` tells what is wrong besides. */
export const NUMBER_PATTERN = `^([^*]+\\*?|\\*([^*]*[0-9]){${String(PART_DIGITS_MIN)}}[^*]*\\*)$`;
const SEARCH_MIN = 4;

const textSchema = z
  .string('must be text')
  .min(1, 'is empty')
  .max(TEXT_MAX, `is longer than ${String(TEXT_MAX)} characters`)
  .refine((value) => !value.includes('\0'), 'holds a NUL character');

const ISO_INSTANT = 'must be an ISO 8601 time with an offset or Z, such as 2026-03-01T00:00:00Z';
/** No call is older than the protocol, and PostgreSQL reads no year beyond four digits as ISO writes it. */
const EARLIEST_MS = Date.UTC(1970, 0, 1);
const LATEST_MS = Date.UTC(10_000, 0, 1) - 1;

/** A + that was not percent-encoded arrives as a space: before an offset, or at the start of a number, it can be nothing else. */
const unspaced = (value: unknown): unknown => (typeof value === 'string' ? value.replace(' ', '+') : value);

const instantSchema = z
  .preprocess(unspaced, z.iso.datetime({ offset: true, error: ISO_INSTANT }))
  .transform((value) => Date.parse(value))
  .refine((value) => value >= EARLIEST_MS && value <= LATEST_MS, 'must lie between the years 1970 and 9999');

const flagSchema = z
  .union([z.boolean(), z.enum(['true', 'false'])], 'must be true or false')
  .transform((value) => value === true || value === 'true');

function countSchema(minimum: number, maximum: number): z.ZodType<number> {
  const reason = `must be a whole number from ${String(minimum)} to ${String(maximum)}`;
  const digits = z
    .string(reason)
    .regex(/^\d{1,16}$/, reason)
    .transform(Number);
  return z.union([z.int(reason), digits], reason).refine((value) => value >= minimum && value <= maximum, reason);
}

const numberSchema = z
  .preprocess((value) => (typeof value === 'string' ? value.replace(/^(\*?) /, '$1+') : value), textSchema)
  .transform((value, context): NumberPattern => {
    const fault = (message: string): never => {
      context.addIssue({ code: 'custom', message });
      return z.NEVER;
    };
    const part = /^\*(.*)\*$/.exec(value)?.[1];
    const prefix = /^([^*].*)\*$/.exec(value)?.[1];
    const digits = part ?? prefix ?? value;
    if (digits.includes('*')) return fault('a * belongs at the end (4420*) or at both ends (*5551*)');
    if (part !== undefined && (part.match(/\d/g) ?? []).length < PART_DIGITS_MIN) {
      return fault(`a part needs at least ${String(PART_DIGITS_MIN)} digits, such as *5551*`);
    }
    return { match: part !== undefined ? 'part' : prefix !== undefined ? 'prefix' : 'exact', digits };
  });

function optional<T>(kind: ParameterKind, schema: z.ZodType<T>, description: string): Parameter<T | undefined> {
  return { kind, description, many: false, schema: schema.optional() };
}

/** Any of several values: one alone is a list of one. */
function anyOf<T>(kind: ParameterKind, schema: z.ZodType<T>, description: string): Parameter<readonly T[] | undefined> {
  const list = z
    .preprocess((value): unknown => (Array.isArray(value) ? value : [value]), z.array(schema).min(1, 'is empty'))
    .refine((values) => values.length <= VALUES_MAX, `is given more than ${String(VALUES_MAX)} times`);
  return {
    kind,
    description,
    many: true,
    schema: list.optional(),
  };
}

export const optionalInstant = (description: string): Parameter<number | undefined> =>
  optional('instant', instantSchema, description);
export const optionalFlag = (description: string): Parameter<boolean | undefined> =>
  optional('flag', flagSchema, description);
export const anyText = (description: string): Parameter<readonly string[] | undefined> => ({
  ...anyOf('text', textSchema, description),
  lengthMax: TEXT_MAX,
});
export const anyNumber = (description: string): Parameter<readonly NumberPattern[] | undefined> =>
  anyOf('number', numberSchema, `${description} Exactly, by prefix (4420*) or by part (*5551*, at least 4 digits).`);
export const optionalText = (description: string): Parameter<string | undefined> => ({
  ...optional('text', textSchema, description),
  lengthMax: TEXT_MAX,
});

/** Free text: a search for fewer characters would find by everything, and slowly. */
export const optionalSearch = (description: string): Parameter<string | undefined> => ({
  ...optional(
    'text',
    z.preprocess(
      (value) => (typeof value === 'string' ? value.trimEnd().replace(/^ /, '+') : value),
      textSchema.min(SEARCH_MIN, `needs at least ${String(SEARCH_MIN)} characters`),
    ),
    description,
  ),
  clear: true,
  lengthMin: SEARCH_MIN,
  lengthMax: TEXT_MAX,
});

export function optionalCount(minimum: number, maximum: number, description: string): Parameter<number | undefined> {
  return { ...optional('count', countSchema(minimum, maximum), description), minimum, maximum };
}

export function presetCount(minimum: number, maximum: number, preset: number, description: string): Parameter<number> {
  const schema = countSchema(minimum, maximum).default(preset);
  return { kind: 'count', description, many: false, minimum, maximum, preset, schema };
}

function valueIn<T extends string>(values: readonly T[]): z.ZodType<T> {
  return z.enum(values as readonly [T, ...T[]], `must be one of ${values.join(', ')}`);
}

export function anyEnum<T extends string>(
  enumeration: Enumeration<T>,
  description: string,
): Parameter<readonly T[] | undefined> {
  return { ...anyOf('enum', valueIn(enumeration.values), description), enumeration };
}

export function optionalEnum<T extends string>(
  enumeration: Enumeration<T>,
  description: string,
): Parameter<T | undefined> {
  return { ...optional('enum', valueIn(enumeration.values), description), enumeration };
}

export function presetEnum<T extends string>(
  enumeration: Enumeration<T>,
  preset: T,
  description: string,
): Parameter<T> {
  const schema = valueIn(enumeration.values).default(preset as never);
  return { kind: 'enum', description, many: false, enumeration, preset, schema };
}

/** A sort: `name` ascending, `-name` descending. */
export function orderBy<T extends string>(
  names: readonly T[],
  preset: T | `-${T}`,
  description: string,
): Parameter<T | `-${T}`> {
  const values = names.flatMap((name): (T | `-${T}`)[] => [name, `-${name}`]);
  const schema = valueIn(values).default(preset as never);
  return {
    kind: 'order',
    description,
    many: false,
    enumeration: { name: 'Order', description, values },
    preset,
    schema,
  };
}

/**
 * Reads a request's parameters.
 * @param raw texts and lists of texts (REST) or typed values (GraphQL); null counts as not given
 * @throws BadParameters with every fault: unknown names, values that do not fit, a period or a range that is empty
 */
export function readParameters<T extends ParameterTable>(
  table: T,
  raw: Readonly<Record<string, unknown>>,
): ValuesOf<T> {
  const faults: Fault[] = Object.keys(raw)
    .filter((name) => !Object.hasOwn(table, name))
    .map((parameter) => ({ parameter, reason: `is unknown; known are ${Object.keys(table).join(', ')}` }));
  const values: Record<string, unknown> = {};
  for (const [parameter, { schema, many }] of Object.entries(table)) {
    const given = raw[parameter] ?? undefined;
    if (!many && Array.isArray(given)) {
      faults.push({ parameter, reason: 'is given more than once' });
      continue;
    }
    const read = schema.safeParse(given);
    if (read.success) values[parameter] = read.data;
    else
      for (const reason of new Set(read.error.issues.map(({ message }) => message))) faults.push({ parameter, reason });
  }
  const { from, to } = values;
  if (typeof from === 'number' && typeof to === 'number' && from > to) {
    faults.push({ parameter: 'to', reason: 'must not be earlier than from: a period is [from, to)' });
  }
  faults.push(...backwards(values));
  if (faults.length > 0) throw new BadParameters(faults);
  return values as ValuesOf<T>;
}

/** Ranges `minX` to `maxX` that hold nothing, both ends being part of them. */
function backwards(values: Readonly<Record<string, unknown>>): readonly Fault[] {
  return Object.entries(values).flatMap(([name, least]) => {
    const parameter = name.replace(/^min/, 'max');
    const most = values[parameter];
    if (parameter === name || typeof least !== 'number' || typeof most !== 'number' || least <= most) return [];
    return [{ parameter, reason: `must not be smaller than ${name}` }];
  });
}
