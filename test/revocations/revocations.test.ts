// The members of the family, and what the shared ones have in common.

import { inject } from 'vitest';
import { memory, postgres, redis } from '../../src/revocations/index.ts';
import { freshDatabase } from '../support/backing.ts';
import { revocationContract } from './revocation-log.contract.ts';

/** Patient, so that a busy machine does not look like an outage. */
const options = { timeoutMs: 10_000, stalenessMs: 10_000 };

revocationContract({
  name: 'memory',
  openTwice: async () => {
    const log = await memory.open(options);
    return [log, log];
  },
});

revocationContract({
  name: 'postgres',
  openTwice: async () => {
    const url = await freshDatabase();
    return Promise.all([postgres.open({ url, ...options }), postgres.open({ url, ...options })]);
  },
});

const redisUrl = inject('redisUrl');
// Without a Redis there is nothing to run on; CI has one.
if (redisUrl !== undefined) {
  revocationContract({
    name: 'redis',
    openTwice: async () => {
      const own = { url: redisUrl, ...options };
      return Promise.all([redis.open(own), redis.open(own)]);
    },
  });
}
