// Files on their way through a link that breaks connections off in the middle, becomes slow, and
// then drops everything in silence. What was acknowledged is whole, and what was not goes on where
// it broke off, whatever the answer: the server does not forget who the sender is.

import type { Expectation, Scenario } from './scenario.ts';

/** Of all files, each is acknowledged in the end. */
export const allArrive = {
  'whole-files.files': [60, 60],
  'whole-files.acknowledged': [60, 60],
  'whole-files.brokenOff': [3, 1_000],
  'whole-files.resumed': [1, 60],
  'whole-files.repeated': [60, 1_000],
  'whole-files.pried': [60, 120],
} as const;

const whole: Expectation = {
  verdicts: {
    identity: 'HOLDS',
    durability: 'HOLDS',
    availability: 'HOLDS',
    'whole-files': 'HOLDS',
  },
  measures: { ...allArrive, 'durability.lost': [0, 0] },
};

export const filesCut: Scenario = {
  beyond: true,
  place: 31,
  title: 'Files over a link that breaks',
  question: 'Is every acknowledged file whole, and does every upload come to its end?',
  chapter: 'docs/concepts/00-week-one.md',
  cluster: { servers: 1, policy: 'round-robin', files: true },
  workload: 'send-files',
  users: 12,
  lengthMs: 6_000,
  faults: [
    { atMs: 500, fault: 'truncate-link', options: { link: 'transfer' }, forMs: 2_500 },
    { atMs: 3_200, fault: 'slow-link', options: { link: 'transfer', delayMs: 30 }, forMs: 800 },
    { atMs: 4_300, fault: 'cut-link', options: { link: 'transfer' }, forMs: 600 },
  ],
  expect: { token: whole, memory: whole, postgres: whole, redis: whole },
};
