// Sessions in Redis, for any number of servers: a hash for each, one script for each verb that
// writes, and one HGETALL to read. What Redis itself forgets (a restart without persistence, a
// failover that was not replicated yet) is forgotten here too.

import { RedisConnection } from './redis-connection.ts';
import { RedisSessions } from './redis-sessions.ts';
import type { SessionStore, Store, StoreOptions } from './store.ts';

async function openRedis(options: StoreOptions): Promise<SessionStore> {
  const { url = '', timeoutMs, replicas, onUndecodable } = options;
  return new RedisSessions(await RedisConnection.open(url, timeoutMs, replicas), onUndecodable);
}

const asked =
  'every request asks Redis, where the session has ended; behind sentinels, a master that they ' +
  'replaced is left about a second after they say so';
const scripted = 'every write is one script, which looks at the session and changes it in one step';

export const redis: Store = {
  says: 'in Redis, which every server asks',
  needs: 'redis',
  shared: true,
  survivesRestart: true,
  claims: {
    identity: { holds: true, because: 'a record is found by its id alone and names its user' },
    durability: { holds: true, because: 'every server reads the same Redis, while Redis keeps it' },
    revocation: { holds: true, because: asked },
    'no-resurrection': { holds: true, because: `${scripted}, and only create creates` },
    'no-lost-update': { holds: true, because: `${scripted}, field by field` },
    'fails-closed': { holds: true, because: 'no answer in time is an error, never "no session"' },
    convergence: { holds: true, because: 'there is one copy, and no server keeps another' },
  },
  open: openRedis,
};
