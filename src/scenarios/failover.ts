// Losing a login is a nuisance, losing a logout is a vulnerability. Redis replicates after it has
// answered, so a failover undoes what it acknowledged last, logouts among it. An ending that is
// acknowledged only when a replica has it (WAIT, its answer looked at), or PostgreSQL, is not
// undone; while that cannot be had the answer is 503, and the logout is repeated.

import type { Expectation, Scenario } from './scenario.ts';
import { toldSoon } from './told-soon.ts';

/** Whoever was logged out stays so; a login of that moment may be lost, and is made again. */
const durable: Expectation = {
  verdicts: { identity: 'HOLDS', revocation: 'HOLDS', 'no-resurrection': 'HOLDS' },
  mayBreak: ['durability', 'availability', 'fails-closed'],
  measures: {
    'revocation.probes': [100, 10_000],
    'no-resurrection.resurrected': [0, 0],
    'no-resurrection.sessions': [20, 60],
  },
};

const duringFailover: Expectation = {
  ...durable,
  measures: { ...durable.measures, 'no-resurrection.endedInFault': [5, 60] },
};

export const failover: Scenario = {
  beyond: true,
  place: 30,
  title: 'Redis fails over',
  question: 'Does a logout that was acknowledged outlive the server that acknowledged it?',
  chapter: 'docs/concepts/06-revocation.md',
  cluster: { servers: 3, policy: 'round-robin', storeTimeoutMs: 1_000, standby: true },
  workload: 'leave-together',
  users: 60,
  lengthMs: 6_000,
  faults: [{ atMs: 1_780, fault: 'failover', options: { lagMs: 600 } }],
  expect: {
    redis: {
      verdicts: { revocation: 'VIOLATED', 'no-resurrection': 'VIOLATED' },
      mayBreak: ['durability', 'availability', 'fails-closed'],
      measures: {
        'no-resurrection.endedInFault': [5, 60],
        'no-resurrection.resurrected': [5, 60],
      },
      because: 'the replica that took over had not heard of the logouts of the last 600 ms',
    },
    'redis-wait': durable,
    'redis-logged': duringFailover,
    'token-logged': toldSoon(duringFailover),
  },
};
