// Affinity, until a server dies. About one in three sessions was kept by the server that is killed;
// who kept them elsewhere notices nothing.

import type { Expectation, Scenario } from './scenario.ts';

/** The clients of the dead server move, and only what it had in its hands is lost. */
const goesOn = {
  'affinity.excused': [1, 24],
  'affinity.incarnations': [4, 4],
  'availability.failedInFault': [0, 40],
  'availability.servedInFault': [40, 1_000],
} as const;

const survives: Expectation = {
  verdicts: { identity: 'HOLDS', durability: 'HOLDS', availability: 'HOLDS' },
  measures: { ...goesOn, 'durability.lost': [0, 0] },
};

export const stickyServerCrash: Scenario = {
  place: 4,
  title: 'A server is killed, with affinity',
  question: 'Who is logged out when one of three servers dies?',
  chapter: 'docs/concepts/03-stateful-in-memory.md',
  cluster: { servers: 3, policy: 'sticky-cookie' },
  workload: 'browse',
  users: 24,
  lengthMs: 2_700,
  faults: [{ atMs: 1_500, fault: 'crash' }],
  expect: {
    token: survives,
    memory: {
      verdicts: {
        identity: 'HOLDS',
        durability: 'VIOLATED',
        availability: 'HOLDS',
        convergence: 'VIOLATED',
      },
      measures: { ...goesOn, 'durability.lost': [2, 16], 'durability.stable': [8, 22] },
      because: 'what the killed server remembered, about one session in three, is gone',
    },
    postgres: survives,
    redis: survives,
    cached: survives,
  },
};
