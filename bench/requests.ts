// What does it cost to know who is asking? The authenticated `GET /dashboard` of our servers and of
// what people use instead, beside `node:http` answering a constant.

import { openBacking } from '../src/backing/backing.ts';
import { compare } from './compare.ts';
import { measure } from './load.ts';
import { subjects } from './subjects.ts';

export interface How {
  readonly rounds: number;
  readonly seconds: number;
  /** Words of the names of those that are wanted; none: all. */
  readonly only: readonly string[];
  readonly json: boolean;
}

export async function compareRequests({ only, ...how }: How, pin: boolean): Promise<void> {
  await using backing = await openBacking();
  const databaseUrl = await backing.createDatabase('bench');
  const [limit, ...others] = await subjects({ databaseUrl, redisUrl: backing.redisUrl });
  const wanted = others.filter(
    ({ name }) => only.length === 0 || only.some((word) => name.includes(word)),
  );
  const title = 'GET /dashboard, authenticated';
  await compare({ title, subjects: [limit, ...wanted], measure, ...how }, pin);
  if (backing.redisUrl === undefined) console.log(`Redis: NOT TESTED. ${backing.redisHint}`);
}
