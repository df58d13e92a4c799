// Stays with the server that the client's cookie names, and gives a client without one, or whose
// server is gone, the least loaded. The gateway hands out the cookie: the policy only reads what it
// said. The new server knows nothing of what the old one kept in its memory.

import { leastConnections } from './least-connections.ts';
import type { Policy } from './policy.ts';

export const stickyCookie: Policy = {
  says: 'the server named by the cookie, and for newcomers the least loaded',
  setsCookie: true,
  affinity: true,
  start(dice) {
    const newcomers = leastConnections.start(dice);
    return {
      pick(candidates, client) {
        const bound = candidates.find((candidate) => candidate.name === client.stuckTo);
        return bound ?? newcomers.pick(candidates, client);
      },
    };
  },
};
