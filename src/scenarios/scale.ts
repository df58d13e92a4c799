// Success: two servers become five while users are at work. New servers know the key of the tokens
// and can ask the shared store, but they have no memories.

import type { Expectation, Scenario } from './scenario.ts';

/** All five got work, and nobody waited for the new ones. */
const grew = { 'affinity.serving': [5, 5], 'availability.servedInFault': [10, 1_000] } as const;

const known: Expectation = {
  verdicts: {
    identity: 'HOLDS',
    durability: 'HOLDS',
    convergence: 'HOLDS',
  },
  measures: { ...grew, 'durability.acceptance': [1, 1] },
};

export const scale: Scenario = {
  place: 7,
  title: 'Two servers become five',
  question: 'Do new servers know who is logged in already?',
  chapter: 'docs/concepts/03-stateful-in-memory.md',
  cluster: { servers: 2, policy: 'round-robin' },
  workload: 'browse',
  users: 16,
  lengthMs: 2_600,
  faults: [{ atMs: 600, fault: 'scale', options: { servers: 5 } }],
  expect: {
    token: known,
    memory: {
      verdicts: { identity: 'HOLDS', durability: 'VIOLATED', convergence: 'VIOLATED' },
      measures: { ...grew, 'durability.acceptance': [0.1, 0.6] },
      because: 'each login is in one memory of two, and then of five',
    },
    postgres: known,
    redis: known,
  },
};
