// Sessions in Redis that each server also keeps for itself, as long as Redis announces every change
// to it: shared like `redis`, nearly as fast as `memory`. A server may serve what another one ended
// until the announcement arrives: usually milliseconds, and never longer than the bound. In
// this process there is no such moment: its own writes reach its cache before they are told. A
// touch is announced like any other change, and costs each server that keeps the session one more
// read, at most once a minute; the age of entries costs more, and a second key for clocks that
// nobody announces would split what a script changes in one step.

import { CachedSessions } from './cached-sessions.ts';
import { redis } from './redis.ts';
import { sessionKeys } from './redis-sessions.ts';
import { RedisTracking, trackingStalenessMs } from './redis-tracking.ts';
import type { SessionStore, Store, StoreOptions } from './store.ts';

async function openCached(options: StoreOptions): Promise<SessionStore> {
  await using opened = new AsyncDisposableStack();
  const feed = opened.use(await RedisTracking.open(options.url ?? '', sessionKeys));
  const store = opened.use(await redis.open(options));
  opened.move();
  return new CachedSessions(store, feed);
}

/** For what another server did: here it is known before it is acknowledged. */
const withinMs = trackingStalenessMs;
const announced = 'Redis announces every change as it happens';
const otherwise = 'a server that may have missed one asks Redis again';

export const cached: Store = {
  says: 'in Redis, and in each server for as long as Redis announces every change',
  needs: 'redis',
  shared: true,
  survivesRestart: true,
  claims: {
    ...redis.claims,
    revocation: { holds: true, withinMs, because: `${announced}, and ${otherwise}` },
    'no-resurrection': { holds: true, withinMs, because: `${announced}, and only create creates` },
    convergence: { holds: true, withinMs, because: `${announced}, and ${otherwise}` },
  },
  open: openCached,
};
