// Somebody else holds what every question to the store needs (in PostgreSQL the lock of the table:
// a migration, a forgotten transaction), so questions wait instead of failing, and each takes a
// connection of its server's pool with it, until none is left.

import type { Fault } from './fault.ts';

export const storeLocked: Fault = {
  says: 'a lock makes every question to the store wait, until the pools are exhausted',
  target: () => 'store',
  inject: (stage) => stage.lockStore(),
};
