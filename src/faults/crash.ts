// A server process is killed without warning and stays away until the cure starts it again, as a
// new incarnation that remembers nothing.

import { type Fault, serverAt } from './fault.ts';

export const crash: Fault = {
  says: 'a server is killed (kill -9) and started again only at the end',
  target: (stage, options) => serverAt(stage, options).name,
  inject: async (stage, options) => {
    const server = serverAt(stage, options);
    await server.kill();
    return { [Symbol.asyncDispose]: () => server.start() };
  },
};
