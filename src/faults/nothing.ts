// Nothing goes wrong: the control that every experiment needs.

import type { Fault } from './fault.ts';

export const nothing: Fault = {
  says: 'nothing happens',
  target: () => 'nothing',
  inject: async () => undefined,
};
