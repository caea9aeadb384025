import { NotFoundException } from '@nestjs/common';
import type { FeedRow } from '../../query/contract.js';
import type { Page } from '../../query/page.js';
import { readParameters } from '../../query/parameters.js';
import type { Raw, Told } from '../reading.js';

/** A list as REST shows it. */
export interface ListAnswer<Row> {
  readonly data: readonly Row[];
  readonly page: { readonly nextCursor: string | null };
  readonly asOf: Date;
  readonly feed: readonly FeedRow[];
}

export function listAnswer<Row>({ data, nextCursor, asOf, feed }: Page<Row> & Told): ListAnswer<Row> {
  return { data, page: { nextCursor }, asOf, feed };
}

/** For routes without parameters: any that is given is a 400. */
export function noParameters(raw: Raw): void {
  readParameters({}, raw);
}

/** @throws NotFoundException there is no such thing, and the database said so */
export function found<T>(thing: T | null, what: string): T {
  if (thing === null) throw new NotFoundException(`There is no ${what}.`);
  return thing;
}
