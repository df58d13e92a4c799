// A Redis without persistence restarts: it knows nobody. To log in again is right then; but the old
// identifiers, which clients go on presenting, must never become sessions again.

import { kind, outage } from './outage.ts';
import type { Expectation, Scenario } from './scenario.ts';

const forgotten: Expectation = {
  verdicts: { identity: 'HOLDS', durability: 'VIOLATED', availability: 'HOLDS' },
  mayBreak: ['fails-closed'],
  measures: {
    'fails-closed.refusedBare': kind['fails-closed.refusedBare'],
    'fails-closed.p99AnswerMs': kind['fails-closed.p99AnswerMs'],
    'fails-closed.refusedFast': [5, 1_000],
    'availability.recoverMs': kind['availability.recoverMs'],
    'durability.lost': [18, 20],
    // Nobody who was taken for nobody is known again.
    'durability.flapping': [0, 0],
  },
  because: 'a Redis without persistence forgets its sessions, and its users log in again',
};

export const storeEmptied: Scenario = {
  ...outage,
  cluster: { ...outage.cluster, standby: true },
  place: 25,
  title: 'The store comes back empty',
  question: 'Is an identifier that nobody knows any more ever adopted?',
  faults: [{ atMs: 1_200, fault: 'store-restart', options: { finds: 'nothing' }, forMs: 600 }],
  expect: { redis: forgotten, cached: forgotten, 'redis-logged': forgotten },
};
