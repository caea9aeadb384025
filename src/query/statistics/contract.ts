/** What statistics are asked by and what they answer with. */
import { z } from 'zod';
import { type Enumeration, type FieldTable, type RowOf, count, instant, orNull, ratio, span, text } from '../field.js';
import { CALL_FILTER } from '../filters.js';
import { optionalInstant, type Parameter, presetEnum, type ValuesOf } from '../parameters.js';
import { type Bucket, BUCKETS, ISO_BUCKETS } from './buckets.js';
import { isZone } from './zone.js';

export const GROUPINGS = ['none', 'menu', 'source', 'callerPrefix', 'calleePrefix', 'hourOfDay'] as const;
export type Grouping = (typeof GROUPINGS)[number];

export const BUCKET: Enumeration = {
  name: 'Bucket',
  description:
    'A period of the wall clock of the asked time zone, as a word or as an ISO 8601 duration; all: the asked period as one.',
  values: [...BUCKETS, ...Object.keys(ISO_BUCKETS)],
};
export const GROUPING: Enumeration<Grouping> = {
  name: 'StatisticsGrouping',
  description: 'What the calls of a bucket are told apart by.',
  values: GROUPINGS,
};

const bucket: Parameter<Bucket> = {
  ...presetEnum(BUCKET, 'hour', 'Period that a row is of. Weeks begin on Monday.'),
  schema: presetEnum(BUCKET, 'hour', '').schema.transform((name) => ISO_BUCKETS[name] ?? (name as Bucket)),
};

const tz: Parameter<string> = {
  kind: 'text',
  description: 'Time zone of buckets and hours, by its IANA name (Europe/Berlin).',
  many: false,
  preset: 'UTC',
  schema: z
    .string('must be text')
    .refine(isZone, 'is not a time zone of the IANA data; Europe/Berlin and UTC are')
    .default('UTC'),
};

export const STATISTICS_QUERY = {
  ...CALL_FILTER,
  from: optionalInstant('Calls at this time or later. Without it: the 24 hours before to.'),
  to: optionalInstant('Calls before this time. Without it: now.'),
  bucket,
  groupBy: presetEnum(
    GROUPING,
    'none',
    'What the calls of a bucket are told apart by: menu (its id), source (its key), callerPrefix and calleePrefix (the first 4 ' +
      'digits; fewer where fewer than 7 would stay hidden), hourOfDay (0 to 23, as the clock of tz shows).',
  ),
  tz,
};
export type StatisticsQuery = ValuesOf<typeof STATISTICS_QUERY>;

export const STATISTICS = {
  bucketStart: instant(
    'Begin of the bucket; the first may have begun before `from`, and holds what came from then on.',
  ),
  group: orNull(text('What groupBy asked for; null without groupBy, and for calls without a value.')),
  calls: orNull(
    count('Calls of the bucket and group, those not ended yet among them; null: nobody listened, so nothing is known.'),
  ),
  answered: orNull(count('Of these: answered.')),
  notAnswered: orNull(count('Of these: ended and not answered.')),
  unknown: orNull(count('Of these: ended, and an OK may have been missed.')),
  answerRatioRung: orNull(
    ratio(
      'answered / (answered + notAnswered) of the calls whose ringing was reported, from 0 to 1; null where no such call has a ' +
        'known outcome. Calls that never rang are not known here, so this is no ASR.',
    ),
  ),
  acdMs: orNull(span('Average talkMs of the calls that have one, rounded to a ms; null without any.')),
  ringMsP50: orNull(
    span('Half of the calls with a ringMs rang for at most so long: one of their values; null without any.'),
  ),
  ringMsP95: orNull(span('As ringMsP50, of 95 in 100.')),
  concurrencyPeak: orNull(
    count(
      'Most calls at one instant of the bucket, wherever they began: a call lasts from its ringing (or answer, or first receipt) ' +
        'until its end, presumed end, or now; the end itself is not part of it. Null where nothing is known.',
    ),
  ),
  gaps: count(
    'Gaps that overlap the bucket and may have cost calls: open or lost, or a certain outage. Of all asked sources; with ' +
      'groupBy=source of that source.',
  ),
} satisfies FieldTable;
export type StatisticsRow = RowOf<typeof STATISTICS>;
