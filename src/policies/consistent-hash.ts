// Highest random weight, also called rendezvous hashing (Thaler and Ravishankar, "Using name-based
// mappings to increase hit rates", IEEE/ACM Transactions on Networking, 1998). Every server gets a
// score from its name and the client's address, and the highest wins; a server that joins therefore
// takes 1/(N+1) of the clients, one that leaves gives up only its own. A ring (Karger et al., 1997)
// does the same with a table to keep; scoring costs one hash for each server and keeps nothing.

import { hash32 } from '../core/random.ts';
import type { Candidate, Policy } from './policy.ts';

/** The finalizer of MurmurHash3: FNV-1a alone favours some names, being weak in its high bits. */
function mix(hash: number): number {
  let mixed = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}

export const consistentHash: Policy = {
  says: 'the server whose name and the client address score highest together',
  setsCookie: false,
  affinity: true,
  start() {
    return {
      pick(candidates, client) {
        const score = (candidate: Candidate) => mix(hash32(`${candidate.name} ${client.address}`));
        return candidates.reduce((best, next) => (score(next) > score(best) ? next : best));
      },
    };
  },
};
