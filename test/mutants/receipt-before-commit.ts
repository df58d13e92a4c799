// A planted fault: an upload is acknowledged when its bytes are there, and made a file a little
// later. Who looks for it at once does not find it, and a crash in between leaves it undone. Breaks
// P22.

import { setTimeout as delay } from 'node:timers/promises';
import { runReplica } from '../../src/server/serve.ts';
import { override } from '../support/override.ts';

const laterMs = 400;

await runReplica({
  vault: (vault) =>
    override(vault, {
      async begin(owner, request, onTakenOver) {
        const upload = await vault.begin(owner, request, onTakenOver);
        const { id, offset, sha256, stored } = upload;
        let committing: Promise<unknown> = Promise.resolve();
        return {
          ...{ id, offset, sha256, ...(stored && { stored }) },
          write: (bytes) => upload.write(bytes),
          async commit(digest) {
            committing = delay(laterMs).then(() => upload.commit(digest));
            const { userId, userName: ownerName } = owner;
            const about = { type: '', bytes: request.bytes ?? 0, sha256: digest };
            const whose = { owner: userId, ownerName, name: request.name, sharedWith: [] };
            return stored ?? { id, ...whose, ...about, storedAt: Date.now() };
          },
          async [Symbol.asyncDispose]() {
            const leave = () => upload[Symbol.asyncDispose]();
            void committing.then(leave, leave);
          },
        };
      },
    }),
});
