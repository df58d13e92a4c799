// Somebody kept a copy of the credential. After the logout it is presented again, at growing
// distances, on every server and through the gateway. The gateway keeps clients on their server, so
// that a logout reaches the memory that it is meant for.

import type { Expectation, Scenario } from './scenario.ts';

const ends: Expectation = {
  verdicts: {
    identity: 'HOLDS',
    durability: 'HOLDS',
    revocation: 'HOLDS',
    'no-resurrection': 'HOLDS',
    availability: 'HOLDS',
  },
  measures: { 'revocation.probes': [100, 10_000] },
};

export const logoutReplay: Scenario = {
  place: 9,
  title: 'A credential is used again after the logout',
  question: 'Does a logout hold, on every server, from the moment it is acknowledged?',
  chapter: 'docs/concepts/02-stateless.md',
  cluster: { servers: 3, policy: 'sticky-cookie', lifetimes: { accessTokenMs: 2_000 } },
  workload: 'logout-replay',
  users: 8,
  lengthMs: 3_000,
  faults: [],
  expect: {
    token: {
      verdicts: {
        identity: 'HOLDS',
        durability: 'HOLDS',
        revocation: 'VIOLATED',
        availability: 'HOLDS',
      },
      measures: { 'revocation.lagMaxMs': [100, 3_100], 'revocation.expiredAccepted': [0, 0] },
      because:
        'a token is accepted until it expires, here two seconds after the login, and then not',
    },
    'token-with-revocation': {
      verdicts: { identity: 'HOLDS', durability: 'HOLDS', availability: 'HOLDS' },
      mayBreak: ['revocation', 'no-resurrection', 'convergence'],
      measures: { ...ends.measures, 'revocation.lagMaxMs': [0, 1_000] },
      because:
        'a logout is pushed to every server, which takes milliseconds, and five seconds at most',
    },
    memory: ends,
    postgres: ends,
    redis: ends,
    cached: {
      verdicts: { identity: 'HOLDS', durability: 'HOLDS', availability: 'HOLDS' },
      mayBreak: ['revocation', 'no-resurrection'],
      measures: { ...ends.measures, 'revocation.lagMaxMs': [0, 1_000] },
      because:
        'a server keeps what it read until it is told of the logout, which takes milliseconds',
    },
  },
};
