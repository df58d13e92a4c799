// Servers are added until there are as many as asked for, all at once, as an autoscaler does. Its
// effect is its own end: they stay.

import type { Fault } from './fault.ts';

export const scale: Fault = {
  says: 'servers are added while users are at work',
  target: (stage, options) => `${stage.servers().length} to ${options.servers ?? 0} servers`,
  inject: async (stage, options) => {
    const missing = (options.servers ?? 0) - stage.servers().length;
    await Promise.all(Array.from({ length: Math.max(0, missing) }, () => stage.addServer()));
    return undefined;
  },
};
