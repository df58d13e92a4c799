// A new version goes out: all servers are restarted one after another, and there is always one that
// serves. Affinity does not help here, because no server remains that remembers.

import type { Expectation, Scenario } from './scenario.ts';

/** Both servers had two lives, and there was always one that served. */
const happened = {
  'affinity.incarnations': [4, 4],
  'affinity.serving': [3, 4],
  'availability.servedInFault': [10, 1_000],
} as const;

const survives: Expectation = {
  verdicts: { identity: 'HOLDS', durability: 'HOLDS', availability: 'HOLDS' },
  measures: { ...happened, 'durability.lost': [0, 0] },
};

export const rollingRestart: Scenario = {
  place: 6,
  title: 'All servers restart, one after another',
  question: 'Can a new version go out without logging anybody out?',
  chapter: 'docs/concepts/03-stateful-in-memory.md',
  cluster: { servers: 2, policy: 'sticky-cookie' },
  workload: 'browse',
  users: 16,
  lengthMs: 2_800,
  faults: [{ atMs: 800, fault: 'rolling-restart' }],
  expect: {
    token: survives,
    memory: {
      verdicts: { identity: 'HOLDS', durability: 'VIOLATED', availability: 'HOLDS' },
      measures: { ...happened, 'durability.lost': [12, 16] },
      because: 'every server forgets in its turn, so all sessions go',
    },
    postgres: survives,
    redis: survives,
  },
};
