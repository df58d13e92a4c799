// The control: one server, so that it is always the same one that is asked. All answers work here,
// and what still breaks is the answer's own doing.

import type { Expectation, Scenario } from './scenario.ts';

const remembered: Expectation = {
  verdicts: {
    identity: 'HOLDS',
    durability: 'HOLDS',
    revocation: 'HOLDS',
    'no-resurrection': 'HOLDS',
    'no-lost-update': 'HOLDS',
    availability: 'HOLDS',
  },
};

export const oneServer: Scenario = {
  place: 1,
  title: 'One server',
  question: 'Does each answer work at all, where only one server can be asked?',
  chapter: 'docs/concepts/01-what-a-session-is.md',
  cluster: { servers: 1, policy: 'round-robin' },
  workload: 'everyday',
  users: 12,
  lengthMs: 2_000,
  faults: [],
  expect: {
    token: {
      verdicts: {
        identity: 'HOLDS',
        durability: 'HOLDS',
        revocation: 'VIOLATED',
        availability: 'HOLDS',
      },
      mayBreak: ['no-lost-update'],
      because:
        'a token is accepted until it expires, for nobody is asked, and each tab changes its own copy',
    },
    memory: remembered,
    postgres: remembered,
    redis: remembered,
  },
};
