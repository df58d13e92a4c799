// The question of the course: request 1 goes to one server, request 2 to the other. Memory in one
// server is right about every other time, token and shared store always.

import type { Expectation, Scenario } from './scenario.ts';

const known: Expectation = {
  verdicts: {
    identity: 'HOLDS',
    durability: 'HOLDS',
    availability: 'HOLDS',
    convergence: 'HOLDS',
  },
  measures: { 'durability.acceptance': [1, 1] },
};

export const twoServers: Scenario = {
  place: 2,
  title: 'Two servers, in turn',
  question: 'How does server 2 know who logged in on server 1?',
  chapter: 'docs/concepts/03-stateful-in-memory.md',
  cluster: { servers: 2, policy: 'round-robin' },
  workload: 'browse',
  users: 20,
  lengthMs: 2_000,
  faults: [],
  expect: {
    token: known,
    'token-with-revocation': known,
    memory: {
      verdicts: {
        identity: 'HOLDS',
        durability: 'VIOLATED',
        availability: 'HOLDS',
        convergence: 'VIOLATED',
      },
      measures: { 'durability.acceptance': [0.35, 0.65], 'durability.flapping': [10, 20] },
      because:
        'only the server that was asked to log in remembers; the other is asked half the time',
    },
    postgres: known,
    redis: known,
    cached: known,
  },
};
