// A server process is stopped in mid-thought (SIGSTOP): it holds its connections and answers
// nothing, as in a long garbage collection or a suspended virtual machine. The cure lets it go on,
// believing that no time has passed.

import { type Fault, serverAt } from './fault.ts';

export const pause: Fault = {
  says: 'a server freezes, holding its connections, and later goes on',
  target: (stage, options) => serverAt(stage, options).name,
  inject: async (stage, options) => {
    const server = serverAt(stage, options);
    server.pause();
    return { [Symbol.asyncDispose]: async () => server.resume() };
  },
};
