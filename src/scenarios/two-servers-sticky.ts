// The same users and the same two servers, but the gateway keeps each client on one of them. That
// mends what the client sees; the servers still know different things. The other answers need none.

import type { Scenario } from './scenario.ts';

export const twoServersSticky: Scenario = {
  place: 3,
  title: 'Two servers, with affinity',
  question: 'Does it help to keep every client on its server?',
  chapter: 'docs/concepts/03-stateful-in-memory.md',
  cluster: { servers: 2, policy: 'sticky-cookie' },
  workload: 'browse',
  users: 20,
  lengthMs: 2_000,
  faults: [],
  expect: {
    memory: {
      verdicts: {
        identity: 'HOLDS',
        durability: 'HOLDS',
        availability: 'HOLDS',
        convergence: 'VIOLATED',
        affinity: 'HOLDS',
      },
      measures: { 'durability.acceptance': [1, 1], 'affinity.stickiness': [1, 1] },
      because: 'the servers still differ; affinity only keeps clients from noticing',
    },
  },
};
