// A log of endings in the memory of one process: for a single server, and for tests. The view is
// the log itself, so it is never old; and it ends with the process.

import type { RevocationLog, Revocations } from './revocation-log.ts';
import { View } from './view.ts';

async function openMemory(): Promise<RevocationLog> {
  const view = new View();
  let epoch = 0;
  return {
    async endSession(sessionId, until) {
      view.learn({ kind: 'session', sessionId, until });
    },
    async endUser(userId, until, spared) {
      if (spared && view.hasEndedWithUser({ ...spared, userId })) return 0;
      epoch = Math.max(Date.now(), epoch + 1);
      view.learn({ kind: 'user', userId, epoch, until, ...(spared && { except: spared.id }) });
      return epoch;
    },
    epochOf: async (userId) => view.epochOf(userId),
    standing: (session) => (view.hasEnded(session) ? 'ended' : 'stands'),
    ask: async (session) => (view.hasEnded(session) ? 'ended' : 'stands'),
    ageMs: () => 0,
    follow: (listener) => view.follow(listener),
    async [Symbol.asyncDispose]() {},
  };
}

export const memory: Revocations = {
  says: 'in the memory of one server',
  lossWindow: 'all endings are lost when the process ends, and other servers never learn of any',
  shared: false,
  claims: {
    revocation: { holds: false, because: 'only the server that ended a session knows it' },
  },
  open: openMemory,
};
