import { applyDecorators, Get } from '@nestjs/common';
import { ApiBearerAuth, ApiOperation, ApiQuery, ApiResponse } from '@nestjs/swagger';
import { type Need, Needs } from '../../access/decorators.js';
import type { ParameterTable } from '../../query/parameters.js';
import { queryParameters, reference, type Schema } from './schemas.js';

const PROBLEMS: readonly (readonly [number, string])[] = [
  [400, 'Faulty parameters; `errors` names every one.'],
  [401, 'No key was shown, or one that is not good.'],
  [429, 'Too much was asked, or too many faulty keys were shown; Retry-After says when to ask again.'],
  [500, 'Our fault.'],
  [503, 'The database did not answer: nothing is known.'],
];

/** A GET route: who may call it, what it answers, and the query parameters it takes. Any other parameter is a 400. */
export function Reads(
  path: string,
  told: { needs: Need; summary: string; answer: Schema; query?: ParameterTable; missing?: string; gone?: string },
): MethodDecorator {
  const { needs, missing, gone } = told;
  const scope = needs === 'known' ? 'any key' : `a key with the scope ${needs}`;
  const own = [
    [403, `Needs ${scope}; a filter on numbers, numbers:clear as well.`] as const,
    ...(missing === undefined ? [] : [[404, missing] as const]),
    ...(gone === undefined ? [] : [[410, gone] as const]),
  ];
  const problems = [...PROBLEMS, ...own];
  return applyDecorators(
    Get(path),
    Needs(needs),
    ApiBearerAuth('key'),
    ApiOperation({ summary: told.summary, description: `Needs ${scope}, once a key has been made.` }),
    ApiResponse({ status: 200, description: told.summary, content: { 'application/json': { schema: told.answer } } }),
    ...queryParameters(told.query ?? {}).map((parameter) => ApiQuery(parameter)),
    ...problems.map(([status, description]) =>
      ApiResponse({ status, description, content: { 'application/problem+json': { schema: reference('Problem') } } }),
    ),
  );
}
