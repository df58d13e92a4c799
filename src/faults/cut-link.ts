// One link drops every byte while its connections stay open: a cable that is cut, or a firewall
// that forgot. Nobody is told; only time limits find out.

import { type Fault, linkAt } from './fault.ts';

export const cutLink: Fault = {
  says: 'a network link drops everything in silence',
  target: (stage, options) => linkAt(stage, options)?.name ?? 'nothing',
  inject: async (stage, options) => {
    const link = linkAt(stage, options);
    link?.cut();
    return { [Symbol.asyncDispose]: async () => link?.heal() };
  },
};
