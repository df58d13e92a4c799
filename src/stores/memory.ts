// Sessions in the memory of one process: the fastest store, and the one that only its own server
// can read. It is right wherever a session's requests all meet the same living process, and it
// shows what happens where they do not. Nothing here survives the process, nor reaches another one.

import { MemorySessions } from './memory-sessions.ts';
import type { Store } from './store.ts';

export const memory: Store = {
  says: 'in the memory of the server that made them',
  needs: 'nothing',
  shared: false,
  survivesRestart: false,
  claims: {
    identity: { holds: true, because: 'an id that another server issued is found by none' },
    durability: {
      holds: false,
      because: 'other servers do not see the session, and a restart forgets it',
    },
    revocation: { holds: false, because: 'a logout that lands on another server ends nothing' },
    'no-resurrection': {
      holds: false,
      because: 'other servers refuse a session that its own server accepts',
    },
    'no-lost-update': { holds: true, because: 'one process changes the record in one step' },
    convergence: { holds: false, because: 'one server knows the session and others never will' },
  },
  open: async () => new MemorySessions(),
};
