// One real PostgreSQL and Redis for a whole run of the tests, in a temporary folder; each test that
// needs a database takes a new empty one. DATABASE_URL and REDIS_URL are honoured, as in a run.
import { randomBytes } from 'node:crypto';
import { inject } from 'vitest';
import type { TestProject } from 'vitest/node';
import { openBacking } from '../../src/backing/backing.ts';
import { createDatabase } from '../../src/backing/databases.ts';

declare module 'vitest' {
  interface ProvidedContext {
    databaseUrl: string;
    redisUrl: string | undefined;
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const backing = await openBacking();
  project.provide('databaseUrl', backing.databaseUrl);
  project.provide('redisUrl', backing.redisUrl);
  return async () => await backing[Symbol.asyncDispose]();
}

/** The URL of a new empty database; it goes with the private PostgreSQL. */
export function freshDatabase(): Promise<string> {
  return createDatabase(inject('databaseUrl'), `test_${randomBytes(8).toString('hex')}`);
}
