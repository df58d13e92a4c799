// A planted fault: a file is given to whoever knows its id, as systems do that take a name nobody
// can guess for a permission. Breaks P22.

import { runReplica } from '../../src/server/serve.ts';
import type { Visitor } from '../../src/transfer/vault.ts';
import { override } from '../support/override.ts';

await runReplica({
  vault(vault) {
    const owners = new Map<string, Visitor>();
    return override(vault, {
      async begin(owner, ...rest) {
        const upload = await vault.begin(owner, ...rest);
        owners.set(upload.id, owner);
        return upload;
      },
      open: (visitor, id) => vault.open(owners.get(id) ?? visitor, id),
    });
  },
});
