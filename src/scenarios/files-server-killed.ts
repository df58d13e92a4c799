// The server that takes files is killed while many are on their way, over a link that breaks
// connections off so that many parts wait to be gone on with. The files are whole under every
// answer. Who their sender is, a server that kept it in its own memory has forgotten: the users log
// in again, and go on.

import { allArrive } from './files-cut.ts';
import type { Expectation, Scenario } from './scenario.ts';

/** A server that is slow to come back leaves little to go on with. */
const throughTheCrash = { ...allArrive, 'whole-files.resumed': [0, 60] } as const;

const survives: Expectation = {
  verdicts: {
    identity: 'HOLDS',
    durability: 'HOLDS',
    'whole-files': 'HOLDS',
  },
  measures: { ...throughTheCrash, 'durability.lost': [0, 0] },
};

export const filesServerKilled: Scenario = {
  beyond: true,
  place: 32,
  title: 'The server that takes files is killed',
  question: 'What is left of the files, and of who sent them?',
  chapter: 'docs/concepts/00-week-one.md',
  cluster: { servers: 1, policy: 'round-robin', files: true },
  workload: 'send-files',
  users: 12,
  lengthMs: 6_000,
  faults: [
    { atMs: 500, fault: 'truncate-link', options: { link: 'transfer' }, forMs: 2_000 },
    { atMs: 1_900, fault: 'crash', forMs: 100 },
  ],
  expect: {
    token: survives,
    memory: {
      verdicts: { ...survives.verdicts, durability: 'VIOLATED' },
      measures: { ...throughTheCrash, 'durability.lost': [6, 12] },
      because:
        'the killed server kept who its users are in its memory, and their files on its disk',
    },
    postgres: survives,
    redis: survives,
  },
};
