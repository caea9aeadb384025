/**
 * The vocabulary that contract tables are written in. One table says what a field is; the SQL select list, the
 * TypeScript row, the GraphQL type and the OpenAPI schema are all derived from it, so none can drift from another.
 */

/**
 * What a field holds. `span` is milliseconds, `instant` a point in time, `bytes` base64 text, `ratio` a fraction or an
 * average. Spans and counts fit a double: 2^53 ms are 285,000 years.
 */
export type Kind = 'uuid' | 'text' | 'instant' | 'span' | 'count' | 'ratio' | 'flag' | 'bytes' | 'enum';

/** A named set of values; the name is the GraphQL and OpenAPI name of the type. */
export interface Enumeration<T extends string = string> {
  readonly name: string;
  readonly description: string;
  readonly values: readonly T[];
}

export interface Field<T = unknown> {
  readonly kind: Kind;
  readonly description: string;
  readonly nullable: boolean;
  readonly list: boolean;
  readonly enumeration?: Enumeration;
  /** The SQL expression, where it is not the field's name in snake case. */
  readonly sql?: string;
  /** Never set; it carries the type of the row's value. */
  readonly row?: T;
}

export type FieldTable = Readonly<Record<string, Field>>;

/** The row a table of fields describes. */
export type RowOf<T extends FieldTable> = {
  readonly [K in keyof T]: T[K] extends Field<infer V> ? V : never;
};

function field<T>(kind: Kind, description: string, sql?: string): Field<T> {
  return { kind, description, nullable: false, list: false, ...(sql === undefined ? {} : { sql }) };
}

export const uuid = (description: string, sql?: string): Field<string> => field('uuid', description, sql);
export const text = (description: string, sql?: string): Field<string> => field('text', description, sql);
export const instant = (description: string, sql?: string): Field<Date> => field('instant', description, sql);
export const span = (description: string, sql?: string): Field<number> => field('span', description, sql);
export const count = (description: string, sql?: string): Field<number> => field('count', description, sql);
export const ratio = (description: string, sql?: string): Field<number> => field('ratio', description, sql);
export const flag = (description: string, sql?: string): Field<boolean> => field('flag', description, sql);
export const bytes = (description: string, sql?: string): Field<string> => field('bytes', description, sql);

export function oneOf<T extends string>(enumeration: Enumeration<T>, description: string, sql?: string): Field<T> {
  return { ...field<T>('enum', description, sql), enumeration };
}

/** The same field, null when it is not known or does not apply. */
export function orNull<T>(base: Field<T>): Field<T | null> {
  return { ...base, nullable: true };
}

export function listOf<T>(base: Field<T>): Field<readonly T[]> {
  return { ...base, list: true } as Field<readonly T[]>;
}

/** `firstSeenAt` as the database spells it: `first_seen_at`. */
export function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
