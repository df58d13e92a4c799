// Every byte on some links is late by a fixed time, in both directions. Nothing is lost.

import { type Fault, linksAt, namesOf } from './fault.ts';

const defaultDelayMs = 50;

export const slowLink: Fault = {
  says: 'network links become slow',
  target: (stage, options) => namesOf(linksAt(stage, options)),
  inject: async (stage, options) => {
    const links = linksAt(stage, options);
    for (const link of links) link.delay(options.delayMs ?? defaultDelayMs);
    return {
      [Symbol.asyncDispose]: async () => {
        for (const link of links) link.heal();
      },
    };
  },
};
