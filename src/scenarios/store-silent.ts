// A black hole: every byte to and from the store is dropped, and all connections stay open.

import { honest, outage } from './outage.ts';
import type { Scenario } from './scenario.ts';

export const storeSilent: Scenario = {
  ...outage,
  place: 21,
  title: 'The store says nothing any more',
  question: 'Does anybody hang when the store neither answers nor hangs up?',
  faults: [
    { atMs: 1_200, fault: 'cut-link', options: { server: 'all', link: 'store' }, forMs: 1_200 },
  ],
  expect: { postgres: honest, redis: honest, cached: honest },
};
