/** Scalars for what GraphQL has no type for. What they take in is judged where REST's parameters are. */
import { GraphQLScalarType, Kind } from 'graphql';

function textOf(value: unknown): string {
  if (typeof value === 'string') return value;
  throw new TypeError('must be a text in ISO 8601');
}

export const Instant = new GraphQLScalarType<string, string>({
  name: 'Instant',
  description: 'A point in time, ISO 8601; given out in UTC with milliseconds, taken with any offset.',
  serialize: (value) => (value instanceof Date ? value.toISOString() : textOf(value)),
  parseValue: textOf,
  parseLiteral: (node) => textOf(node.kind === Kind.STRING ? node.value : null),
});

function wholeNumber(value: unknown): number {
  if (typeof value === 'number' && Number.isSafeInteger(value)) return value;
  throw new TypeError('must be a whole number below 2^53');
}

export const Milliseconds = new GraphQLScalarType<number, number>({
  name: 'Milliseconds',
  description: 'A span of time in milliseconds: a whole number below 2^53, where Int would end at 24 days.',
  serialize: wholeNumber,
  parseValue: wholeNumber,
  parseLiteral: (node) => wholeNumber(node.kind === Kind.INT ? Number(node.value) : null),
});
