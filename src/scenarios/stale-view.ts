// One of three servers can no longer hear what ends elsewhere, in silence. What it knows grows old:
// within the bound of its view it accepts a token that was called back meanwhile, past it it says
// that it does not know. Asking at every request is stricter, and is out as long as the cut lasts.

import type { Expectation, Scenario } from './scenario.ts';

const stalenessMs = 800;

const honest: Expectation = {
  verdicts: { identity: 'HOLDS', durability: 'HOLDS', 'fails-closed': 'HOLDS' },
  measures: { 'fails-closed.anonymous': [0, 0], 'fails-closed.refusedFast': [3, 1_000] },
};

export const staleView: Scenario = {
  beyond: true,
  place: 15,
  title: 'One server no longer hears of logouts',
  question: 'How long does a server accept what was called back, when nobody can tell it?',
  chapter: 'docs/concepts/06-revocation.md',
  cluster: {
    servers: 3,
    policy: 'sticky-cookie',
    storeTimeoutMs: 600,
    revocationStalenessMs: stalenessMs,
  },
  workload: 'logout-replay',
  users: 16,
  lengthMs: 3_000,
  faults: [{ atMs: 450, fault: 'cut-link', options: { link: 'store' }, forMs: 2_000 }],
  expect: {
    'token-with-revocation': {
      ...honest,
      mayBreak: ['revocation', 'no-resurrection'],
      measures: { ...honest.measures, 'revocation.lagMaxMs': [0, stalenessMs + 200] },
      because: 'a logout is known to a server that is cut off when its view has grown too old',
    },
    postgres: { ...honest, verdicts: { ...honest.verdicts, revocation: 'HOLDS' } },
  },
};
