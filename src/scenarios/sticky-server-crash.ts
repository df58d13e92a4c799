// Affinity, until a server dies. About one in three sessions was kept by the server that is killed;
// who kept them elsewhere notices nothing.

import type { Expectation, Scenario } from './scenario.ts';

const survives: Expectation = {
  verdicts: { identity: 'HOLDS', durability: 'HOLDS', availability: 'HOLDS' },
  measures: { 'durability.lost': [0, 0] },
};

export const stickyServerCrash: Scenario = {
  place: 4,
  title: 'A server is killed, with affinity',
  question: 'Who is logged out when one of three servers dies?',
  chapter: 'docs/concepts/03-stateful-in-memory.md',
  cluster: { servers: 3, policy: 'sticky-cookie' },
  workload: 'browse',
  users: 24,
  lengthMs: 2_200,
  faults: [{ atMs: 1_000, fault: 'crash' }],
  expect: {
    token: survives,
    memory: {
      verdicts: {
        identity: 'HOLDS',
        durability: 'VIOLATED',
        availability: 'HOLDS',
        convergence: 'VIOLATED',
      },
      measures: { 'durability.lost': [2, 16], 'durability.stable': [8, 22] },
      because: 'what the killed server remembered, about one session in three, is gone',
    },
    postgres: survives,
    redis: survives,
  },
};
