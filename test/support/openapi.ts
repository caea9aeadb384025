/** The OpenAPI document as a judge: what may be asked by it, and whether an answer is one it tells of. */
import { Ajv2019, type ValidateFunction } from 'ajv/dist/2019.js';
import formats from 'ajv-formats';

/** As much of a schema as the document uses. */
export interface DocumentSchema {
  readonly $ref?: string;
  readonly allOf?: readonly DocumentSchema[];
  readonly type?: string;
  readonly format?: string;
  readonly enum?: readonly (string | null)[];
  readonly pattern?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly maxItems?: number;
  readonly items?: DocumentSchema;
  readonly properties?: Readonly<Record<string, DocumentSchema>>;
}

export interface DocumentParameter {
  readonly name: string;
  readonly in: 'query' | 'path';
  readonly schema: DocumentSchema;
}

interface Operation {
  readonly parameters?: readonly DocumentParameter[];
  readonly responses: Readonly<
    Record<string, { readonly content?: Readonly<Record<string, { readonly schema: DocumentSchema }>> }>
  >;
}

export interface Document {
  readonly paths: Readonly<Record<string, { readonly get: Operation }>>;
  readonly components: { readonly schemas: Readonly<Record<string, DocumentSchema>> };
}

/** A route with its parameters. */
export interface Route {
  readonly path: string;
  readonly parameters: readonly DocumentParameter[];
}

export function routesOf(document: Document): readonly Route[] {
  return Object.entries(document.paths).map(([path, { get }]) => ({ path, parameters: get.parameters ?? [] }));
}

const COMPONENTS = '#/components/schemas/';

/**
 * The schema with nothing allowed that it does not name: clients are to expect new fields, this test is to notice them. Parts of
 * an `allOf` name some of the fields each, so the whole is closed there.
 */
function closed(schema: DocumentSchema): object {
  if (schema.$ref !== undefined) return { $ref: schema.$ref.replace(COMPONENTS, '#/$defs/') };
  const parts = schema.allOf?.map((part) =>
    part.$ref === undefined ? open(part) : { $ref: part.$ref.replace(COMPONENTS, '#/$defs/open-') },
  );
  if (parts !== undefined) return { ...schema, allOf: parts, unevaluatedProperties: false };
  const properties = Object.entries(schema.properties ?? {}).map(([name, one]) => [name, closed(one)]);
  return {
    ...schema,
    ...(schema.items === undefined ? {} : { items: closed(schema.items) }),
    ...(schema.properties === undefined
      ? {}
      : { properties: Object.fromEntries(properties) as object, unevaluatedProperties: false }),
  };
}

/** The schema as it is: what it refers to is closed. */
function open(schema: DocumentSchema): object {
  const text = JSON.stringify(schema).replaceAll(COMPONENTS, '#/$defs/');
  return JSON.parse(text) as object;
}

/** What is wrong with an answer by the document; empty when nothing is. */
export type Judge = (path: string, answer: { status: number; type: string; text: string }) => readonly string[];

export function judgeOf({ paths, components }: Document): Judge {
  const ajv = new Ajv2019({ strict: false, allErrors: true });
  formats.default(ajv);
  const defs = Object.fromEntries(
    Object.entries(components.schemas).flatMap(([name, schema]) => [
      [name, closed(schema)],
      [`open-${name}`, open(schema)],
    ]),
  );
  const compiled = new Map<DocumentSchema, ValidateFunction>();
  const validatorOf = (schema: DocumentSchema): ValidateFunction => {
    const known = compiled.get(schema) ?? ajv.compile({ ...closed(schema), $defs: defs });
    compiled.set(schema, known);
    return known;
  };
  return (path, { status, type, text }) => {
    const told = paths[path]?.get.responses[String(status)];
    if (told === undefined) return [`${String(status)} is not documented`];
    const [mime = ''] = type.split(';');
    const schema = told.content?.[mime]?.schema;
    if (schema === undefined) return [`${String(status)} with ${mime} is not documented`];
    if (!/[/+]json$/.test(mime)) return [];
    const validate = validatorOf(schema);
    if (validate(JSON.parse(text))) return [];
    return (validate.errors ?? []).map(({ instancePath, message = '', params }) => {
      return `${instancePath} ${message} ${JSON.stringify(params)}`;
    });
  };
}
