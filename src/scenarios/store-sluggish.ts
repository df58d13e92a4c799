// The store is slow, but within the time that servers wait: nobody is refused, everybody waits.

import { honest, kind, outage } from './outage.ts';
import type { Expectation, Scenario } from './scenario.ts';

const served: Expectation = {
  verdicts: honest.verdicts,
  measures: {
    ...kind,
    'fails-closed.served': [40, 1_000],
    'fails-closed.refusedFast': [0, 5],
    // There and back over the slow link is 40 ms, and timers may be early by a little.
    'availability.laggardMs': [35, 10_000],
  },
};

export const storeSluggish: Scenario = {
  ...outage,
  place: 23,
  title: 'The store is slow, but not too slow',
  question: 'Is anybody refused though the store answers in time?',
  faults: [
    {
      atMs: 1_200,
      fault: 'slow-link',
      options: { server: 'all', link: 'store', delayMs: 20 },
      forMs: 1_200,
    },
  ],
  expect: { postgres: served, redis: served },
};
