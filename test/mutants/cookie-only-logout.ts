// A planted fault: a logout takes the cookie from the client that asked, and ends nothing on the
// server. Whoever kept a copy of the credential is still in. Breaks P3.

import { runReplica } from '../../src/server/serve.ts';
import { override } from '../support/override.ts';

await runReplica({
  recogniser: (recogniser) =>
    override(recogniser, {
      leave: async () => ({ ...recogniser.forget(), ended: [] }),
      endAll: async () => recogniser.forget(),
    }),
});
