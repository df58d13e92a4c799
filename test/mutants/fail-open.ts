// A planted fault: when the store does not answer, the server goes on with what it last knew, and
// takes the client for whoever it was before. A logout elsewhere is never heard of. Breaks P16.

import type { Recognition } from '../../src/core/recognition.ts';
import { runReplica } from '../../src/server/serve.ts';
import { override } from '../support/override.ts';

await runReplica({
  recogniser(recogniser) {
    const lastKnown = new Map<string, Recognition>();
    return override(recogniser, {
      async recognise(headers) {
        const { cookie, authorization, 'x-session-id': id } = headers;
        const credential = JSON.stringify([cookie, authorization, id]);
        const recognition = await recogniser.recognise(headers);
        if (recognition.kind === 'unknown') return lastKnown.get(credential) ?? recognition;
        lastKnown.set(credential, recognition);
        return recognition;
      },
    });
  },
});
