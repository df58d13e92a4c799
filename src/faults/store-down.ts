// The shared session store goes away for all servers at once: open connections are reset and new
// ones refused. What it stored is there again afterwards. Without a shared store nothing happens.

import { type Fault, linksAt, type StagePort } from './fault.ts';

export const storeDown: Fault = {
  says: 'the shared session store is unreachable for every server',
  target: (stage) => (storeLinks(stage).length > 0 ? 'store' : 'nothing'),
  inject: async (stage) => {
    const links = storeLinks(stage);
    for (const link of links) link.refuse();
    return {
      [Symbol.asyncDispose]: async () => {
        for (const link of links) link.heal();
      },
    };
  },
};

function storeLinks(stage: StagePort) {
  return linksAt(stage, { server: 'all', link: 'store' });
}
