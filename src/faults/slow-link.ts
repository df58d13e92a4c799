// Every byte on one link is late by a fixed time, in both directions. Nothing is lost.

import { type Fault, linkAt } from './fault.ts';

const defaultDelayMs = 50;

export const slowLink: Fault = {
  says: 'a network link becomes slow',
  target: (stage, options) => linkAt(stage, options)?.name ?? 'nothing',
  inject: async (stage, options) => {
    const link = linkAt(stage, options);
    link?.delay(options.delayMs ?? defaultDelayMs);
    return { [Symbol.asyncDispose]: async () => link?.heal() };
  },
};
