// Hashes the client's address and takes the remainder by the number of servers. Affinity without a
// cookie, until the number changes: then N/(N+1) of all clients move, which is what consistent-hash
// avoids. Clients behind one address share one server.

import { hash32 } from '../core/random.ts';
import type { Candidate, Policy } from './policy.ts';

export const clientHash: Policy = {
  says: 'the client address, hashed, modulo the number of servers',
  setsCookie: false,
  affinity: true,
  start() {
    return {
      pick: (candidates, client) =>
        candidates[hash32(client.address) % candidates.length] as Candidate,
    };
  },
};
