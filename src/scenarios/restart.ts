// One server is stopped in good order and started again, as every deployment does. What it kept in
// its memory is gone, politely.

import type { Expectation, Scenario } from './scenario.ts';

/** Users met the old process and the new one, and some came while there was neither. */
const happened = { 'affinity.serving': [2, 2], 'availability.failedInFault': [1, 1_000] } as const;

const survives: Expectation = {
  verdicts: { identity: 'HOLDS', durability: 'HOLDS', availability: 'HOLDS' },
  measures: { ...happened, 'durability.lost': [0, 0] },
};

export const restart: Scenario = {
  place: 5,
  title: 'The server restarts',
  question: 'Is anybody still logged in after a restart?',
  chapter: 'docs/concepts/03-stateful-in-memory.md',
  cluster: { servers: 1, policy: 'round-robin' },
  workload: 'browse',
  users: 16,
  lengthMs: 2_600,
  faults: [{ atMs: 900, fault: 'restart' }],
  expect: {
    token: survives,
    memory: {
      verdicts: { identity: 'HOLDS', durability: 'VIOLATED', availability: 'HOLDS' },
      measures: { ...happened, 'durability.lost': [12, 16] },
      because: 'memory ends with the process',
    },
    postgres: survives,
    redis: survives,
  },
};
