// The commonest bug of session libraries: a request that is under way when the user logs out saves
// the session at its end, and it is there again. The way to the store is slow here, so that
// requests overlap for certain. The gateway keeps clients on their server for the sake of `memory`.

import type { Expectation, Scenario } from './scenario.ts';

const sound: Expectation = {
  verdicts: {
    identity: 'HOLDS',
    durability: 'HOLDS',
    revocation: 'HOLDS',
    'no-resurrection': 'HOLDS',
  },
  measures: { 'no-resurrection.sessions': [12, 60], 'revocation.probes': [150, 10_000] },
};

/** Told of a logout a little later, and never again known what was told. */
const soon: Expectation = {
  verdicts: { identity: 'HOLDS', durability: 'HOLDS' },
  mayBreak: ['revocation', 'no-resurrection'],
  measures: { ...sound.measures, 'revocation.lagMaxMs': [0, 250] },
  because: 'servers are told of a logout within milliseconds; nothing is accepted later',
};

export const logoutRace: Scenario = {
  beyond: true,
  place: 28,
  title: 'A logout while the session is written everywhere',
  question: 'Does a request that was under way at the logout bring the session back?',
  chapter: 'docs/concepts/04-the-shared-store.md',
  cluster: { servers: 3, policy: 'sticky-cookie', lifetimes: { idleMs: 60_000 } },
  workload: 'logout-race',
  users: 18,
  lengthMs: 4_000,
  faults: [{ atMs: 0, fault: 'slow-link', options: { server: 1, link: 'store', delayMs: 30 } }],
  expect: {
    memory: sound,
    postgres: sound,
    redis: sound,
    cached: soon,
    'token-with-revocation': { ...soon, mayBreak: [...(soon.mayBreak ?? []), 'no-lost-update'] },
  },
};
