// A planted fault: the current user is a variable of the module, set by every request and read
// again after an await. Two requests at once, and one is served as the other's user. Breaks P1.

import { setImmediate as otherRequestsRun } from 'node:timers/promises';
import type { Session } from '../../src/core/session.ts';
import { runReplica } from '../../src/server/serve.ts';
import { override } from '../support/override.ts';

let currentSession: Session;

await runReplica({
  recogniser: (recogniser) =>
    override(recogniser, {
      async recognise(headers) {
        const recognition = await recogniser.recognise(headers);
        if (recognition.kind !== 'recognised') return recognition;
        currentSession = recognition.session;
        await otherRequestsRun();
        return { kind: 'recognised', session: currentSession };
      },
    }),
});
