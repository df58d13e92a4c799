// What this application keeps in its sessions, and what becomes of it when two requests change the
// same thing. A field that older servers could not read takes a new version here, and an upcaster.

import { counters, defineSession } from '../core/session-schema.ts';

export const sessionData = defineSession({
  version: 0,
  upcasters: {},
  fields: {
    /** How many of each item: two tabs that add at once both count. */
    cart: counters(),
  },
});
