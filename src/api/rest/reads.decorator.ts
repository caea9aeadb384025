import { applyDecorators, Get } from '@nestjs/common';
import { ApiOperation, ApiQuery, ApiResponse } from '@nestjs/swagger';
import type { ParameterTable } from '../../query/parameters.js';
import { queryParameters, reference, type Schema } from './schemas.js';

const PROBLEMS: readonly (readonly [number, string])[] = [
  [400, 'Faulty parameters; `errors` names every one.'],
  [500, 'Our fault.'],
  [503, 'The database did not answer: nothing is known.'],
];

/** A GET route: what it answers, and the query parameters it takes. Any other parameter is a 400. */
export function Reads(
  path: string,
  told: { summary: string; answer: Schema; query?: ParameterTable; missing?: string; gone?: string },
): MethodDecorator {
  const { missing, gone } = told;
  const own = [
    ...(missing === undefined ? [] : [[404, missing] as const]),
    ...(gone === undefined ? [] : [[410, gone] as const]),
  ];
  const problems = [...PROBLEMS, ...own];
  return applyDecorators(
    Get(path),
    ApiOperation({ summary: told.summary }),
    ApiResponse({ status: 200, description: told.summary, content: { 'application/json': { schema: told.answer } } }),
    ...queryParameters(told.query ?? {}).map((parameter) => ApiQuery(parameter)),
    ...problems.map(([status, description]) =>
      ApiResponse({ status, description, content: { 'application/problem+json': { schema: reference('Problem') } } }),
    ),
  );
}
