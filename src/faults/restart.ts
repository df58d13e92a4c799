// A server is asked to stop, finishes what it is doing, and is started again: a deployment of one.
// Its effect is its own end; there is nothing to cure.

import { type Fault, serverAt } from './fault.ts';

export const restart: Fault = {
  says: 'a server is stopped in good order and started again at once',
  target: (stage, options) => serverAt(stage, options).name,
  inject: async (stage, options) => {
    const server = serverAt(stage, options);
    await server.stop();
    await server.start();
    return undefined;
  },
};
