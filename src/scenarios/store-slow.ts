// Every answer of the store comes, and comes too late: a server that waits for it is down as well.

import { honest, outage } from './outage.ts';
import type { Scenario } from './scenario.ts';

export const storeSlow: Scenario = {
  ...outage,
  place: 22,
  title: 'The store is slower than anybody waits',
  question: 'Does a store that is too slow slow everybody down?',
  faults: [
    {
      atMs: 1_200,
      fault: 'slow-link',
      options: { server: 'all', link: 'store', delayMs: 400 },
      forMs: 1_200,
    },
  ],
  expect: { postgres: honest, redis: honest },
};
