// Sessions in a table of PostgreSQL, for any number of servers: what was acknowledged is on disk,
// and an ended session stays as a row with the reason, emptied, so that nothing in flight revives
// it.

import { PostgresConnections } from './postgres-connections.ts';
import { makeTables } from './postgres-schema.ts';
import { PostgresSessions } from './postgres-sessions.ts';
import type { SessionStore, Store, StoreOptions } from './store.ts';

async function openPostgres({
  url,
  timeoutMs,
  onUndecodable,
}: StoreOptions): Promise<SessionStore> {
  const connectionString = url ?? 'postgresql://127.0.0.1:5432/postgres';
  await makeTables(connectionString);
  return new PostgresSessions(new PostgresConnections(connectionString, timeoutMs), onUndecodable);
}

const locked = 'every write is one statement under the lock of the row';

export const postgres: Store = {
  says: 'in PostgreSQL, which every server asks',
  needs: 'postgres',
  shared: true,
  survivesRestart: true,
  claims: {
    identity: { holds: true, because: 'a row is found by its id alone and names its user' },
    durability: { holds: true, because: 'a login is committed to disk before it is acknowledged' },
    revocation: { holds: true, because: 'every request asks PostgreSQL, where the row has ended' },
    'no-resurrection': { holds: true, because: `${locked}, and ended rows stay ended` },
    'no-lost-update': { holds: true, because: `${locked}, field by field` },
    'fails-closed': { holds: true, because: 'no answer in time is an error, never "no session"' },
    convergence: { holds: true, because: 'there is one copy, and no server keeps another' },
  },
  open: openPostgres,
};
