// A planted fault: a session lives as long as it is used, and never ends by its age. A credential
// that was stolen once is good for ever. Breaks P3 past the absolute limit.

import { runReplica } from '../../src/server/serve.ts';
import { override } from '../support/override.ts';

const yearMs = 365 * 24 * 60 * 60_000;

await runReplica({
  store: (store) =>
    override(store, {
      create: (session, limit) =>
        store.create({ ...session, absoluteExpiresAt: session.createdAt + yearMs }, limit),
    }),
});
