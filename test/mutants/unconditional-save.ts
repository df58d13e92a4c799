// A planted fault: what a request read at its start is saved at its end, whatever happened
// meanwhile, as session libraries do that save by upsert. A request in flight brings back a session
// that was logged out. Breaks P3r, and P3 with it.

import { setTimeout as delay } from 'node:timers/promises';
import { applyChanges, type StoredSession } from '../../src/core/session.ts';
import { runReplica } from '../../src/server/serve.ts';
import { override } from '../support/override.ts';

const handlerMs = 5;

await runReplica({
  store(store) {
    const loaded = new Map<string, StoredSession>();
    const revived = new Map<string, StoredSession>();
    return override(store, {
      async read(id, now) {
        const session = revived.get(id) ?? (await store.read(id, now));
        if (session !== undefined) loaded.set(id, session);
        return session;
      },
      async update(id, changes, ...rest) {
        const atTheStart = loaded.get(id);
        await delay(handlerMs);
        const updated = await store.update(id, changes, ...rest);
        if (updated.outcome !== 'gone' || atTheStart === undefined) return updated;
        const fields = applyChanges(atTheStart.fields, changes);
        const revision = atTheStart.revision + 1;
        revived.set(id, { ...atTheStart, fields, revision });
        return { outcome: 'ok', revision, fields };
      },
      touch: async (id, ...times) => revived.has(id) || store.touch(id, ...times),
    });
  },
});
