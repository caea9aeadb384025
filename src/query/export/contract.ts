/** What an export is asked by: the filters of `/calls`, and how the file is to be written. */
import { z } from 'zod';
import { CALL, type CallRow } from '../contract.js';
import type { Enumeration } from '../field.js';
import { CALL_FILTER, cursorText } from '../filters.js';
import {
  anyText,
  optionalFlag,
  optionalText,
  orderBy,
  type Parameter,
  presetEnum,
  type ValuesOf,
} from '../parameters.js';
import { STATISTICS_QUERY } from '../statistics/contract.js';

export const EXPORT_FORMATS = ['csv', 'ndjson'] as const;
export type ExportFormat = (typeof EXPORT_FORMATS)[number];
const EXPORT_FORMAT: Enumeration<ExportFormat> = {
  name: 'ExportFormat',
  description: 'How an export is written.',
  values: EXPORT_FORMATS,
};

export type Column = keyof CallRow;
export const ALL_COLUMNS = Object.keys(CALL) as readonly Column[];

const names = anyText('Fields of Call, in this order, repeated or parted by commas; without it all of them.');
const columns: Parameter<readonly Column[] | undefined> = {
  ...names,
  schema: names.schema.transform((given, context) => {
    if (given === undefined) return undefined;
    const asked = given.flatMap((one) => one.split(','));
    const unknown = asked.filter((one) => !Object.hasOwn(CALL, one));
    const faults = [
      ...unknown.map((one) => `has no ${JSON.stringify(one)}; known are ${ALL_COLUMNS.join(', ')}`),
      ...(new Set(asked).size < asked.length ? ['names a field twice'] : []),
    ];
    for (const message of faults) context.addIssue({ code: 'custom', message });
    return faults.length === 0 ? (asked as Column[]) : z.NEVER;
  }),
};

const token = optionalText(
  'Text that begins a line of its own after every 10,000 rows and after the last one: <marks> {"rows":20000,"cursor":"...",' +
    '"end":false}. 16 to 64 letters, digits, - and _, at random, so that no row can begin so. What stands before such a ' +
    'line is whole, and an export with this cursor goes on after it.',
);
const marks: Parameter<string | undefined> = {
  ...token,
  schema: token.schema.refine(
    (text) => text === undefined || /^[\w-]{16,64}$/.test(text),
    'must be 16 to 64 letters, digits, - and _',
  ),
};

export const EXPORT_QUERY = {
  format: presetEnum(EXPORT_FORMAT, 'csv', 'csv: RFC 4180 with a header. ndjson: one Call a line.'),
  ...CALL_FILTER,
  columns,
  tz: {
    ...STATISTICS_QUERY.tz,
    description: 'Time zone that times are written in, each with its offset; by its IANA name (Europe/Berlin).',
  },
  sort: orderBy(['firstSeenAt'], 'firstSeenAt', 'Order, - for descending.'),
  bom: optionalFlag('csv: begin with a byte order mark, by which spreadsheets know UTF-8.'),
  gzip: optionalFlag('Send a .gz file. Without it the transfer alone is compressed, where Accept-Encoding allows it.'),
  cursor: cursorText(
    'Go on after the rows of an export that was cut off: the cursor of its last mark. No header then.',
  ),
  marks,
};
export type ExportQuery = ValuesOf<typeof EXPORT_QUERY>;
