// Throws dice, from the seed that the gateway was given, so that a run can be repeated. Even in the
// long run, and uneven in the short one: the fullest of N servers stands out visibly.

import type { Policy } from './policy.ts';

export const random: Policy = {
  says: 'any server, with equal chance',
  setsCookie: false,
  affinity: false,
  start(dice) {
    return { pick: (candidates) => dice.pick(candidates) };
  },
};
