// Takes turns. Nothing about the client matters, so two requests of one client usually meet two
// servers: the policy under which sessions in the memory of one server show their limits. When the
// set of servers changes, the turn goes on counting.

import type { Candidate, Policy } from './policy.ts';

export const roundRobin: Policy = {
  says: 'the servers take turns',
  setsCookie: false,
  affinity: false,
  start() {
    let turn = 0;
    return {
      pick(candidates) {
        const chosen = candidates[turn % candidates.length] as Candidate;
        turn += 1;
        return chosen;
      },
    };
  },
};
