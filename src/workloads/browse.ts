// Everybody logs in once and then looks at a page again and again, through the gateway. It is the
// least that shows whether a login is remembered; it changes nothing and logs nobody out.

import type { Random } from '../core/random.ts';
import type { Step, Workload } from './workload.ts';

const looksPerUser = 8;

export const browse: Workload = {
  says: 'log in once, then open a protected page eight times',
  plan: ({ random, lengthMs, users }) =>
    Array.from({ length: users }, (_, index) => {
      const client = `c${index + 1}`;
      const own = random.fork(client);
      return { client, user: `user${index + 1}`, lanes: [visit(own, lengthMs)] };
    }),
};

/** Spread at random within equal slices, so that users do not march in step with the gateway. */
function visit(random: Random, lengthMs: number): readonly Step[] {
  const slice = lengthMs / (looksPerUser + 1);
  const looks = Array.from({ length: looksPerUser }, (_, index) => ({
    atMs: Math.round((index + 1 + random.next()) * slice),
    f: 'whoami' as const,
  }));
  return [{ atMs: Math.round(random.next() * slice), f: 'login' }, ...looks];
}
