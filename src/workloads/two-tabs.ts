// Everybody fills one cart from two tabs at the same moments. Both tabs share the cookie jar, and
// each pair of additions is due at one instant, so that a server that reads, changes and writes the
// cart as a whole loses one of the two. Ends with a look into the cart.

import type { Random } from '../core/random.ts';
import type { Step, Workload } from './workload.ts';

const pairs = 8;
const items = ['apple', 'pear', 'plum'] as const;

export const twoTabs: Workload = {
  says: 'add to one cart from two tabs at the same moments, then look into it',
  plan: ({ random, lengthMs, users }) =>
    Array.from({ length: users }, (_, index) => {
      const client = `c${index + 1}`;
      const own = random.fork(client);
      return { client, user: `user${index + 1}`, lanes: tabs(own, lengthMs) };
    }),
};

function tabs(random: Random, lengthMs: number): readonly (readonly Step[])[] {
  const slice = lengthMs / (pairs + 2);
  const left: Step[] = [{ atMs: Math.round(random.next() * slice), f: 'login' }];
  const right: Step[] = [];
  for (let pair = 1; pair <= pairs; pair += 1) {
    const atMs = Math.round((pair + random.next() / 2) * slice);
    const key = random.pick(items);
    left.push({ atMs, f: 'put', key, val: 1 });
    right.push({ atMs, f: 'put', key, val: 1 });
  }
  left.push({ atMs: Math.round(lengthMs), f: 'read' });
  return [left, right];
}
