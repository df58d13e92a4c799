// Asks the server that is working on the fewest requests. Among equals it throws dice, because an
// idle cluster would otherwise send everything to its first server.

import type { Policy } from './policy.ts';

export const leastConnections: Policy = {
  says: 'the server that works on the fewest requests',
  setsCookie: false,
  affinity: false,
  start(dice) {
    return {
      pick(candidates) {
        const fewest = Math.min(...candidates.map((candidate) => candidate.inFlight));
        return dice.pick(candidates.filter((candidate) => candidate.inFlight === fewest));
      },
    };
  },
};
