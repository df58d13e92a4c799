// Redis is restored from a snapshot that is older than the logouts. What Redis alone knew to have
// ended lives again; what a log of endings in PostgreSQL knows stays ended.

import type { Expectation, Scenario } from './scenario.ts';
import { toldSoon } from './told-soon.ts';

const stays: Expectation = {
  verdicts: { identity: 'HOLDS', revocation: 'HOLDS', 'no-resurrection': 'HOLDS' },
  mayBreak: ['availability', 'fails-closed'],
  measures: { 'no-resurrection.resurrected': [0, 0], 'no-resurrection.sessions': [20, 60] },
};

export const storeRestored: Scenario = {
  beyond: true,
  place: 26,
  title: 'The store is restored from an old snapshot',
  question: 'Do sessions that had ended come back with the data of yesterday?',
  chapter: 'docs/concepts/06-revocation.md',
  cluster: { servers: 3, policy: 'round-robin', storeTimeoutMs: 1_000, standby: true },
  workload: 'leave-together',
  users: 60,
  lengthMs: 5_000,
  faults: [
    { atMs: 1_400, fault: 'store-snapshot' },
    { atMs: 2_300, fault: 'store-restart', options: { finds: 'snapshot' }, forMs: 300 },
  ],
  expect: {
    redis: {
      verdicts: { revocation: 'VIOLATED', 'no-resurrection': 'VIOLATED' },
      mayBreak: ['availability', 'fails-closed'],
      measures: { 'no-resurrection.resurrected': [20, 60] },
      because: 'the snapshot was taken before the logouts, and nobody else knew of them',
    },
    'redis-logged': stays,
    'token-logged': toldSoon(stays),
  },
};
