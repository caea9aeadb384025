import { CHANGE, FORMER_FIELDS } from '../../query/changes/contract.js';
import { CALL } from '../../query/contract.js';
import { listSchema, reference, type Schema, tableSchema } from './schemas.js';

const change = tableSchema(CHANGE);

const former: Schema = {
  type: 'object',
  nullable: true,
  description: 'The fields that changed, with the values they had; null for the first revision told.',
  properties: Object.fromEntries(
    Object.entries(tableSchema(CALL).properties ?? {}).filter(([name]) =>
      FORMER_FIELDS.some((field) => field === name),
    ),
  ),
};

const list = listSchema('Change');

/** The OpenAPI schemas of the changes feed. */
export const CHANGES_SCHEMAS: Record<string, Schema> = {
  Change: {
    ...change,
    properties: { ...change.properties, previous: former, call: reference('Call') },
    required: [...(change.required ?? []), 'previous', 'call'],
  },
  ChangePage: {
    ...list,
    properties: {
      ...list.properties,
      page: {
        type: 'object',
        properties: {
          nextCursor: { type: 'string', description: 'What to give as after the next time: there always is one.' },
          more: { type: 'boolean', description: 'More is there already: ask at once.' },
        },
        required: ['nextCursor', 'more'],
      },
    },
  },
};
