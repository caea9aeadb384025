/** Limits on what one query may ask: how long it is, how deep it goes, how many records it may hold. */
import type { ApolloServerPlugin } from '@apollo/server';
import {
  type FieldNode,
  type FragmentDefinitionNode,
  getArgumentValues,
  getNamedType,
  getVariableValues,
  GraphQLError,
  type GraphQLField,
  type GraphQLNamedType,
  type GraphQLSchema,
  isListType,
  getNullableType,
  isObjectType,
  Kind,
  type OperationDefinitionNode,
  type DocumentNode,
  type SelectionNode,
  type SelectionSetNode,
} from 'graphql';
import { type Bucket, bucketsIn, ISO_BUCKETS } from '../../query/statistics/buckets.js';

/** The deepest useful query, calls.edges.node.notifications.serial, has 5 levels. */
export const DEPTH_MAX = 8;
/** A page of 500 calls with timelines and gaps may hold 11,000 records: two such pages fit one query. */
export const COST_MAX = 25_000;
/** Tokens of a query's text; GraphiQL's introspection has about 350. */
export const TOKENS_MAX = 3_000;
/** What a list without a page size is reckoned at, such as a call's timeline: three notifications and some to spare. */
const UNPAGED_ROWS = 10;
const DAY_MS = 86_400_000;

type Given = Readonly<Record<string, unknown>>;

/** Lists inside a field whose number of rows follows from its arguments. */
const ROWS_OF: Readonly<Record<string, (given: Given) => number>> = { statistics: statisticsRows };

/** A row for each bucket and group; faulty arguments are told when they are read. */
function statisticsRows({ filter, bucket, groupBy }: Given): number {
  const { from, to } = (filter ?? {}) as { readonly from?: unknown; readonly to?: unknown };
  const until = typeof to === 'string' ? Date.parse(to) : Date.now();
  const asked = typeof from === 'string' ? until - Date.parse(from) : DAY_MS;
  const periodMs = Number.isFinite(asked) ? asked : DAY_MS;
  const groups = groupBy === 'none' ? 1 : groupBy === 'hourOfDay' ? 24 : UNPAGED_ROWS;
  return groups * bucketsIn(periodMs, ISO_BUCKETS[String(bucket)] ?? (bucket as Bucket));
}

/** Levels, and records at most. */
export interface Measure {
  readonly depth: number;
  readonly cost: number;
}

/** Introspection is as large as the schema, which the client did not choose. */
const FREE: Measure = { depth: 0, cost: 0 };

interface Query {
  readonly schema: GraphQLSchema;
  readonly variables: Record<string, unknown>;
  readonly fragments: ReadonlyMap<string, FragmentDefinitionNode>;
  /** Each fragment is measured once, or fragments that spread each other twice would take 2^n steps. */
  readonly measured: Map<string, Measure>;
}

/** A record costs 1 and its plain fields nothing; a list holds as many records as its page size allows. */
function measureField(query: Query, node: FieldNode, parent: GraphQLNamedType): Measure {
  const field = isObjectType(parent) ? parent.getFields()[node.name.value] : undefined;
  if (field === undefined) return FREE;
  if (node.selectionSet === undefined) return { depth: 1, cost: 0 };
  const inside = measureSelections(query, node.selectionSet, getNamedType(field.type));
  const depth = 1 + inside.depth;
  const given = argumentsOf(query, field, node);
  if (field.args.some(({ name }) => name === 'first')) {
    const { first } = given;
    return { depth, cost: (typeof first === 'number' && first > 1 ? first : 1) * Math.max(inside.cost, 1) };
  }
  const listed = ROWS_OF[field.name]?.(given);
  if (listed !== undefined) return { depth, cost: listed + inside.cost };
  // The edges of a connection are counted by its page size already.
  const unpaged = isListType(getNullableType(field.type)) && node.name.value !== 'edges';
  return { depth, cost: (unpaged ? UNPAGED_ROWS : 1) * (1 + inside.cost) };
}

/** None where they do not fit: whoever runs the query says so. */
function argumentsOf({ variables }: Query, field: GraphQLField<unknown, unknown>, node: FieldNode): Given {
  try {
    return getArgumentValues(field, node, variables);
  } catch {
    return {};
  }
}

function measureSelection(query: Query, node: SelectionNode, parent: GraphQLNamedType): Measure {
  if (node.kind === Kind.FIELD) return measureField(query, node, parent);
  if (node.kind === Kind.INLINE_FRAGMENT) {
    const named = node.typeCondition === undefined ? parent : query.schema.getType(node.typeCondition.name.value);
    return measureSelections(query, node.selectionSet, named ?? parent);
  }
  const name = node.name.value;
  const known = query.measured.get(name);
  const fragment = query.fragments.get(name);
  if (known !== undefined || fragment === undefined) return known ?? FREE;
  const type = query.schema.getType(fragment.typeCondition.name.value) ?? parent;
  const measure = measureSelections(query, fragment.selectionSet, type);
  query.measured.set(name, measure);
  return measure;
}

function measureSelections(query: Query, { selections }: SelectionSetNode, parent: GraphQLNamedType): Measure {
  return selections
    .map((selection) => measureSelection(query, selection, parent))
    .reduce((all, one) => ({ depth: Math.max(all.depth, one.depth), cost: all.cost + one.cost }), FREE);
}

/**
 * Measures an operation of a document that is valid (so that no fragment spreads itself).
 * Null when its variables do not fit: execution says so.
 */
export function measureOperation(
  schema: GraphQLSchema,
  document: DocumentNode,
  operation: OperationDefinitionNode,
  given: Readonly<Record<string, unknown>>,
): Measure | null {
  const root = schema.getRootType(operation.operation);
  const { coerced } = getVariableValues(schema, operation.variableDefinitions ?? [], given);
  if (coerced === undefined || root === null || root === undefined) return null;
  const definitions = document.definitions.filter((node) => node.kind === Kind.FRAGMENT_DEFINITION);
  const fragments = new Map(definitions.map((node) => [node.name.value, node]));
  return measureSelections(
    { schema, variables: coerced, fragments, measured: new Map() },
    operation.selectionSet,
    root,
  );
}

function refusal(code: string, message: string): GraphQLError {
  return new GraphQLError(message, { extensions: { code, http: { status: 400 } } });
}

/**
 * Refuses, before anything is read, a query that goes too deep or could hold too much; and tells what each query was reckoned at,
 * in `extensions.cost`, refused or not, so that a client learns how far from the limits it is.
 */
export const limits: ApolloServerPlugin = {
  requestDidStart: () => {
    let measured: Measure | null = null;
    return Promise.resolve({
      willSendResponse({ response: { body } }): Promise<void> {
        if (body.kind === 'single' && measured !== null) {
          const cost = { records: measured.cost, recordsMax: COST_MAX, depth: measured.depth, depthMax: DEPTH_MAX };
          body.singleResult.extensions = { ...body.singleResult.extensions, cost };
        }
        return Promise.resolve();
      },
      didResolveOperation({ request, document, operation, schema }): Promise<void> {
        const measure = operation && measureOperation(schema, document, operation, request.variables ?? {});
        measured = measure ?? null;
        if (measure && measure.depth > DEPTH_MAX) {
          const asked = `The query is ${String(measure.depth)} levels deep`;
          return Promise.reject(refusal('QUERY_TOO_DEEP', `${asked}; at most ${String(DEPTH_MAX)} are answered.`));
        }
        if (measure && measure.cost > COST_MAX) {
          const asked = `The query may hold ${String(measure.cost)} records; at most ${String(COST_MAX)} are answered`;
          return Promise.reject(refusal('QUERY_TOO_COSTLY', `${asked}. Ask for smaller pages.`));
        }
        return Promise.resolve();
      },
    });
  },
};
