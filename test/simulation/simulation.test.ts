// A logout against slow writes, touches, refreshes and rotation, in every order that a seed can
// draw: the strategies are the real ones, the store keeps every law of its contract, and the wire
// between them is slow and loses messages. INTERLEAVINGS sets how many are explored.

import { expect, test } from 'vitest';
import { seededRandom } from '../../src/core/random.ts';
import { applyChanges, type StoredSession } from '../../src/core/session.ts';
import { memory } from '../../src/stores/memory.ts';
import type { SessionStore } from '../../src/stores/store.ts';
import * as strategies from '../../src/strategies/index.ts';
import { keepsRecords, startOn } from '../strategies/strategy.contract.ts';
import { override } from '../support/override.ts';
import { interleave, type Protocol } from './interleaving.ts';

const interleavings = Number(process.env.INTERLEAVINGS ?? 10_000);
const seed = process.env.SEED ?? 'simulation';

const openStore = () => memory.open({ timeoutMs: 1_000 });

/** Where nothing is kept, nothing is ended. */
const recorded = Object.entries(strategies).filter(([, strategy]) => keepsRecords(strategy));

const protocols: readonly (Protocol & { readonly name: string })[] = recorded.map(
  ([name, strategy]) => ({
    name,
    openStore,
    start: (store, clock) => startOn(strategy, store, clock),
    expiresOnly: strategy.claims.revocation?.holds === false,
  }),
);

async function explore(protocol: Protocol, count: number): Promise<string[]> {
  const found: string[] = [];
  for (let which = 0; which < count; which += 1) {
    const violations = await interleave(protocol, seededRandom(`${seed}/${which}`));
    found.push(...violations.map((violation) => `${seed}/${which}: ${violation}`));
    if (found.length > 10) break;
  }
  return found;
}

test.each(protocols)(
  `$name: ${interleavings} interleavings bring no ended session back`,
  { timeout: 600_000 },
  async (protocol) => {
    expect(await explore(protocol, interleavings)).toEqual([]);
  },
);

test('a store that saves what a request read is found within 1,000 interleavings', async () => {
  const protocol: Protocol = {
    openStore: async () => upserting(await openStore()),
    start: (store, clock) => startOn(strategies.session, store, clock),
    expiresOnly: false,
  };
  expect(await explore(protocol, 1_000)).not.toEqual([]);
});

/** Saves at the end what was read at the start, whatever happened in between. */
function upserting(store: SessionStore): SessionStore {
  const loaded = new Map<string, StoredSession>();
  const revived = new Map<string, StoredSession>();
  return override(store, {
    async read(id, now) {
      const session = revived.get(id) ?? (await store.read(id, now));
      if (session !== undefined) loaded.set(id, session);
      return session;
    },
    async update(id, changes, now, options) {
      const updated = await store.update(id, changes, now, options);
      const before = loaded.get(id);
      if (updated.outcome !== 'gone' || before === undefined) return updated;
      const fields = applyChanges(before.fields, changes);
      revived.set(id, { ...before, fields });
      return { outcome: 'ok', revision: before.revision + 1, fields };
    },
  });
}
