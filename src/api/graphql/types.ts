/** GraphQL types made from the contract's tables, so that they say what REST says. */
import { Field, Float, ID, InputType, Int, ObjectType, registerEnumType } from '@nestjs/graphql';
import type { Type } from '@nestjs/common';
import {
  CALL,
  FEED,
  GAP,
  NOTIFICATION,
  QUARANTINED,
  SETTINGS,
  SOURCE,
  SOURCE_CHANGE,
  type CallRow,
  type FeedRow,
  type GapRow,
  type NotificationRow,
  type QuarantinedRow,
  type SettingsRow,
  type SourceChangeRow,
  type SourceRow,
} from '../../query/contract.js';
import type { Enumeration, Field as ContractField, FieldTable, Kind } from '../../query/field.js';
import { CALL_FILTER, CALL_SORTS, GAP_FILTER, QUARANTINE_FILTER } from '../../query/filters.js';
import type { Parameter, ParameterTable } from '../../query/parameters.js';
import { Instant, Milliseconds } from './scalars.js';

/** A scalar, an enum or a class, or a list of one. */
type GraphQlType = object | [object];

/** One GraphQL enum an enumeration, with the contract's own lower-case values. */
const enums = new Map<Enumeration, object>();

/** The GraphQL enum of an enumeration. */
export function enumOf(enumeration: Enumeration): object {
  const known = enums.get(enumeration);
  if (known !== undefined) return known;
  const made = Object.fromEntries(enumeration.values.map((value) => [value, value]));
  registerEnumType(made, { name: enumeration.name, description: enumeration.description });
  enums.set(enumeration, made);
  return made;
}

const KINDS: Readonly<Record<Exclude<Kind, 'enum'>, GraphQlType>> = {
  uuid: ID,
  text: String,
  instant: Instant,
  span: Milliseconds,
  count: Int,
  ratio: Float,
  flag: Boolean,
  bytes: String,
};

function typeOf({ kind, enumeration, list }: ContractField): GraphQlType {
  const one = enumeration === undefined ? KINDS[kind === 'enum' ? 'text' : kind] : enumOf(enumeration);
  return list ? [one] : one;
}

/** A class for the schema to hang on. Rows are plain objects; Nest alone makes instances, to read their defaults. */
function classNamed<Row>(name: string): Type<Row> {
  const made = function (): void {
    // No field has a default.
  };
  Object.defineProperty(made, 'name', { value: name });
  return made as unknown as Type<Row>;
}

/** The type of a contract table. */
export function objectOf<Row>(name: string, description: string, table: FieldTable): Type<Row> {
  const made = classNamed<Row>(name);
  for (const [field, contract] of Object.entries(table)) {
    const options = { nullable: contract.nullable, description: contract.description };
    // Made now, since enums are registered only until the schema is built.
    const type = typeOf(contract);
    Field(() => type, options)(made.prototype as object, field);
  }
  ObjectType(name, { description })(made);
  return made;
}

const INPUT_KINDS: Readonly<Record<Exclude<Parameter['kind'], 'enum' | 'order'>, GraphQlType>> = {
  text: String,
  number: String,
  instant: Instant,
  count: Milliseconds,
  flag: Boolean,
};

function inputTypeOf({ kind, enumeration, many }: Parameter): GraphQlType {
  const one =
    enumeration === undefined ? INPUT_KINDS[kind === 'enum' || kind === 'order' ? 'text' : kind] : enumOf(enumeration);
  return many ? [one] : one;
}

function inputOf(name: string, description: string, table: ParameterTable): Type<object> {
  const made = classNamed<object>(name);
  for (const [field, parameter] of Object.entries(table)) {
    const options = { nullable: true, description: parameter.description };
    const type = inputTypeOf(parameter);
    Field(() => type, options)(made.prototype as object, field);
  }
  InputType(name, { description })(made);
  return made;
}

export const CallType = objectOf<CallRow>('Call', 'One call: the second-line call one Call ID stands for.', CALL);
export const NotificationType = objectOf<NotificationRow>('Notification', 'One state report.', NOTIFICATION);
export const GapType = objectOf<GapRow>('Gap', 'Something we may have missed.', GAP);
export const SourceType = objectOf<SourceRow>('Source', 'One IVR.', SOURCE);
export const SourceChangeType = objectOf<SourceChangeRow>(
  'SourceChange',
  'One field of a source that was changed.',
  SOURCE_CHANGE,
);
export const QuarantinedType = objectOf<QuarantinedRow>(
  'QuarantinedDatagram',
  'A datagram that could not be stored as a notification.',
  QUARANTINED,
);
export const SettingsType = objectOf<SettingsRow>('Settings', 'The settings in force.', SETTINGS);
export const FeedType = objectOf<FeedRow>('Feed', 'How far the stream of one source can be trusted.', FEED);

export const CallFilterType = inputOf('CallFilter', 'All conditions must hold; a list means any of.', CALL_FILTER);
export const GapFilterType = inputOf('GapFilter', 'All conditions must hold; a list means any of.', GAP_FILTER);
export const QuarantineFilterType = inputOf(
  'QuarantineFilter',
  'All conditions must hold; a list means any of.',
  QUARANTINE_FILTER,
);

/** GraphQL names hold no minus: `firstSeenAt_desc` is REST's `-firstSeenAt`. */
export const CallSortType: Readonly<Record<string, string>> = Object.fromEntries(
  CALL_SORTS.flatMap((name) => [
    [`${name}_asc`, name],
    [`${name}_desc`, `-${name}`],
  ]),
);
registerEnumType(CallSortType, { name: 'CallSort', description: 'Calls without the value come last.' });
