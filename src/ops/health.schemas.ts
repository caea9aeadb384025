/** What OpenAPI says of liveness, readiness and metrics. */
import { applyDecorators } from '@nestjs/common';
import { ApiResponse } from '@nestjs/swagger';
import { CIRCUIT_STATES } from '../ingest/spool/circuit/circuit.js';

const count = (description: string): object => ({ type: 'integer', format: 'int64', description });

export const LIVENESS = {
  type: 'object',
  properties: { status: { type: 'string', enum: ['live'] } },
  required: ['status'],
};

const SPOOL_FIELDS = {
  circuit: {
    type: 'string',
    enum: [...CIRCUIT_STATES],
    description:
      'closed: batches go to PostgreSQL. open, trial: to the spool. draining: to PostgreSQL, the spool beside.',
  },
  circuitAgeMs: count('How long it has been so.'),
  depth: count('Notifications that wait for PostgreSQL.'),
  bytes: count('Bytes held.'),
  bytesMax: count('SPOOL_MAX_BYTES.'),
  oldestAgeMs: { ...count('Age of the oldest that waits; null when none does.'), nullable: true },
  recovered: count('Notifications an earlier process left behind.'),
  kept: count('Notifications kept since the start.'),
  drained: count('Of these and of those left behind: stored since.'),
  corrupt: count('Stretches of files that no longer held what was written, and records that could never be stored.'),
  abandoned: count('Files given up after a failed write or sync.'),
};

const SPOOL = {
  type: 'object',
  nullable: true,
  description: 'What stands by for PostgreSQL in this process; null where nothing does, and for strangers.',
  properties: SPOOL_FIELDS,
  required: Object.keys(SPOOL_FIELDS),
};

const READINESS_FIELDS = {
  status: { type: 'string', enum: ['ready', 'not_ready'] },
  problems: {
    type: 'array',
    items: { type: 'string' },
    description: 'What is wrong, in sentences; empty when nothing is, and for strangers.',
  },
  spool: SPOOL,
  access: {
    type: 'string',
    enum: ['open', 'keys'],
    description: 'open: no key has been made, so whoever is on this machine may read; keys: who asks shows one.',
  },
  asOf: { type: 'string', format: 'date-time' },
};

export const READINESS = { type: 'object', properties: READINESS_FIELDS, required: Object.keys(READINESS_FIELDS) };

/** An answer in JSON. */
export function Answers(status: number, description: string, schema: object): MethodDecorator {
  return ApiResponse({ status, description, content: { 'application/json': { schema } } });
}

/** What any route may answer, also to who needs no key: a key that is not good, too many requests, a fault of ours. */
export function MayRefuse(...more: readonly (readonly [number, string])[]): MethodDecorator {
  const refusals: readonly (readonly [number, string])[] = [
    [401, 'A key was shown that is not good.'],
    [429, 'Too much was asked, or too many faulty keys were shown; Retry-After says when to ask again.'],
    [500, 'Our fault.'],
    ...more,
  ];
  const schema = { $ref: '#/components/schemas/Problem' };
  return applyDecorators(
    ...refusals.map(([status, description]) =>
      ApiResponse({ status, description, content: { 'application/problem+json': { schema } } }),
    ),
  );
}
