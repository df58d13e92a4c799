// Everybody logs in early, and all leave within a short while. A logout that was not acknowledged
// is tried again, at once and later, as the error asks for; then the dead credential is presented
// on every server, soon and long after. Whatever happens to the store meanwhile, what was
// acknowledged must stay ended.

import type { Random } from '../core/random.ts';
import { replays } from './logout-replay.ts';
import type { Step, Workload } from './workload.ts';

export const leaveTogether: Workload = {
  says: 'log in, all log out within a short while, and present the dead credentials everywhere',
  plan: ({ random, servers, lengthMs, users }) =>
    Array.from({ length: users }, (_, index) => {
      const client = `c${index + 1}`;
      const own = random.fork(client);
      return { client, user: `user${index + 1}`, lanes: [visit(own, servers, lengthMs)] };
    }),
};

/** Moments are parts of the whole length; a logout is only made by who is logged in. */
function visit(random: Random, servers: number, lengthMs: number): readonly Step[] {
  const at = (part: number) => Math.round(part * lengthMs);
  const logoutAtMs = at(0.3 + 0.07 * random.next());
  return [
    { atMs: at(0.2 * random.next()), f: 'login' },
    { atMs: at(0.26), f: 'whoami' },
    { atMs: logoutAtMs, f: 'logout' },
    { atMs: logoutAtMs + 10, f: 'logout' },
    { atMs: logoutAtMs + 10, f: 'replay' },
    ...replays(servers, at(0.6)),
    { atMs: at(0.7), f: 'logout' },
    ...replays(servers, at(0.75)),
    ...replays(servers, at(0.95)),
  ];
}
