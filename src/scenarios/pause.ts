// A server freezes for a second in the middle of its work and then goes on, believing that no time
// has passed. Whatever it finishes then must not undo what happened meanwhile.

import type { Expectation, Scenario } from './scenario.ts';

const steady: Expectation = {
  verdicts: {
    identity: 'HOLDS',
    durability: 'HOLDS',
    revocation: 'HOLDS',
    'no-resurrection': 'HOLDS',
    'no-lost-update': 'HOLDS',
  },
  measures: { 'availability.serversInFault': [1, 1], 'availability.servedInFault': [5, 1_000] },
};

export const pause: Scenario = {
  place: 14,
  title: 'A server freezes, and goes on',
  question: 'Does a server that slept through a logout bring the session back?',
  chapter: 'docs/concepts/04-the-shared-store.md',
  cluster: { servers: 2, policy: 'sticky-cookie' },
  workload: 'everyday',
  users: 12,
  lengthMs: 2_600,
  faults: [{ atMs: 1_000, fault: 'pause', forMs: 800 }],
  expect: { postgres: steady, redis: steady },
};
