// Many servers on a mixed day. A shared store answers for all of them; a memory answers for one in
// five, and a logout reaches the right one as seldom.

import type { Expectation, Scenario } from './scenario.ts';

const shared: Expectation = {
  verdicts: {
    identity: 'HOLDS',
    durability: 'HOLDS',
    revocation: 'HOLDS',
    'no-resurrection': 'HOLDS',
    'no-lost-update': 'HOLDS',
    availability: 'HOLDS',
    convergence: 'HOLDS',
  },
};

export const fiveServers: Scenario = {
  place: 8,
  title: 'Five servers, in turn',
  question: 'Does it still work with many servers, all sharing one store?',
  chapter: 'docs/concepts/04-the-shared-store.md',
  cluster: { servers: 5, policy: 'round-robin' },
  workload: 'everyday',
  users: 12,
  lengthMs: 2_200,
  faults: [],
  expect: {
    memory: {
      verdicts: {
        identity: 'HOLDS',
        durability: 'VIOLATED',
        revocation: 'VIOLATED',
        'no-resurrection': 'VIOLATED',
        availability: 'HOLDS',
        convergence: 'VIOLATED',
      },
      measures: { 'durability.acceptance': [0.05, 0.4] },
      because: 'one server in five remembers the login, and one logout in five reaches it',
    },
    postgres: shared,
    redis: shared,
  },
};
