// A planted fault: a change is acknowledged at once and written a little later. What was
// acknowledged is lost when the server dies first, or when the store refuses. Breaks P5.

import { applyChanges } from '../../src/core/session.ts';
import { runReplica } from '../../src/server/serve.ts';
import { override } from '../support/override.ts';

const laterMs = 250;

await runReplica({
  recogniser: (recogniser) =>
    override(recogniser, {
      async change(session, changes) {
        setTimeout(() => recogniser.change(session, changes).catch(() => undefined), laterMs);
        const wanted = typeof changes === 'function' ? changes(session.fields) : changes;
        const fields = applyChanges(session.fields, wanted);
        return { outcome: 'ok', fields, issue: { headers: [], body: {} } };
      },
    }),
});
