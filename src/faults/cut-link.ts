// Links drop every byte while their connections stay open: a cable that is cut, or a firewall that
// forgot. Nobody is told; only time limits find out.

import { type Fault, linksAt, namesOf } from './fault.ts';

export const cutLink: Fault = {
  says: 'network links drop everything in silence',
  target: (stage, options) => namesOf(linksAt(stage, options)),
  inject: async (stage, options) => {
    const links = linksAt(stage, options);
    for (const link of links) link.cut();
    return {
      [Symbol.asyncDispose]: async () => {
        for (const link of links) link.heal();
      },
    };
  },
};
