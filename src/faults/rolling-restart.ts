// Every server is restarted, one after another, each only when the one before serves again: a
// deployment of a new version. Its effect is its own end.

import type { Fault } from './fault.ts';

export const rollingRestart: Fault = {
  says: 'all servers are stopped and started again, one after another',
  target: (stage) =>
    stage
      .servers()
      .map((server) => server.name)
      .join(', '),
  inject: async (stage) => {
    for (const server of stage.servers()) {
      await server.stop();
      await server.start();
    }
    return undefined;
  },
};
