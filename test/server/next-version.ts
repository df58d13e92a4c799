// The next version of the application, as a program. Its schema is one further: what was a cart of
// apples is one of fruit, and older data are brought up when they are read.

import { runReplica } from '../../src/server/serve.ts';
import { sessionData } from '../../src/server/session-data.ts';

await runReplica({
  schema: {
    version: sessionData.version + 1,
    upcasters: {
      [sessionData.version]: ({ 'cart.apple': apples = 0, ...others }) => ({
        ...others,
        'cart.fruit': apples,
      }),
    },
  },
});
