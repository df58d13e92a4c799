// A planted fault: session data is one blob that is read, changed in memory and written back whole.
// Of two requests that do so at once, the later one undoes the earlier one's change. Breaks P5.

import { setTimeout as delay } from 'node:timers/promises';
import { applyChanges, type FieldChange } from '../../src/core/session.ts';
import { runReplica } from '../../src/server/serve.ts';
import { override } from '../support/override.ts';

const handlerMs = 5;

await runReplica({
  store: (store) =>
    override(store, {
      async update(id, changes, now, options) {
        const before = await store.read(id, now);
        if (before === undefined) return { outcome: 'gone' };
        await delay(handlerMs);
        const whole = Object.entries(applyChanges(before.fields, changes)).map(
          ([field, value]): FieldChange => ({ op: 'set', field, value }),
        );
        const removals = changes.filter((change) => change.op === 'remove');
        return store.update(id, [...removals, ...whole], now, options);
      },
    }),
});
