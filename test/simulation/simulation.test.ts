// A logout against slow writes, touches, refreshes and rotation, in every order that a seed can
// draw: the strategies are the real ones, the store keeps every law of its contract, and the wire
// between them is slow and loses messages. INTERLEAVINGS sets how many are explored.

import { expect, test } from 'vitest';
import { seededRandom } from '../../src/core/random.ts';
import { applyChanges, type StoredSession } from '../../src/core/session.ts';
import { newTokenKey } from '../../src/keys/token-key.ts';
import { memory as memoryLog } from '../../src/revocations/memory.ts';
import { memory } from '../../src/stores/memory.ts';
import type { SessionStore } from '../../src/stores/store.ts';
import * as strategies from '../../src/strategies/index.ts';
import { ringOf, startOn } from '../strategies/strategy.contract.ts';
import { override } from '../support/override.ts';
import { interleave, type Protocol } from './interleaving.ts';

const interleavings = Number(process.env.INTERLEAVINGS ?? (process.env.CI ? 20_000 : 5_000));
const seed = process.env.SEED ?? 'simulation';

const timeoutMs = 1_000;
const openStore = () => memory.open({ timeoutMs });

/** Cheap to sign with, so that more interleavings can be explored. */
const keys = await ringOf(await newTokenKey('HS256'));

const { session, token } = strategies;
const sealedCookie = strategies['sealed-cookie'];

/** A strategy as it is, or with a log of endings before it. */
const protocols: readonly (Protocol & { readonly name: string })[] = [
  { name: 'session', strategy: session, isLogged: false },
  { name: 'token', strategy: token, isLogged: false },
  { name: 'session with a log of endings', strategy: session, isLogged: true },
  { name: 'token with a log of endings', strategy: token, isLogged: true },
  { name: 'sealed cookie', strategy: sealedCookie, isLogged: true },
].map(({ name, strategy, isLogged }) => ({
  name,
  openStore,
  expiresOnly: strategy.selfContained && !isLogged,
  openLog: () => (isLogged ? memoryLog.open({ timeoutMs, stalenessMs: 1_000 }) : undefined),
  start(store, clock, revocations) {
    const options = { keys, ...(revocations && { revocations }) };
    return startOn(strategy, store, clock, {}, options);
  },
}));

async function explore(protocol: Protocol, count: number) {
  const found: string[] = [];
  let acknowledged = 0;
  for (let which = 0; which < count; which += 1) {
    const explored = await interleave(protocol, seededRandom(`${seed}/${which}`));
    if (explored.acknowledged) acknowledged += 1;
    found.push(...explored.violations.map((violation) => `${seed}/${which}: ${violation}`));
    if (found.length > 10) break;
  }
  return { found, acknowledged };
}

test.each(protocols)(
  `$name: ${interleavings} interleavings bring no ended session back`,
  { timeout: 600_000 },
  async (protocol) => {
    const { found, acknowledged } = await explore(protocol, interleavings);
    expect(found).toEqual([]);
    expect(acknowledged).toBeGreaterThan(interleavings / 2);
  },
);

test('a store that saves what a request read is found within 1,000 interleavings', async () => {
  const protocol: Protocol = {
    openStore: async () => upserting(await openStore()),
    openLog: () => undefined,
    start: (store, clock) => startOn(session, store, clock),
    expiresOnly: false,
  };
  expect((await explore(protocol, 1_000)).found).not.toEqual([]);
});

test('a store that ends only what lives by the clock is found within 5,000 interleavings', async () => {
  const protocol: Protocol = {
    openStore: async () => endingByTheClock(await openStore()),
    openLog: () => undefined,
    start: (store, clock) => startOn(session, store, clock),
    expiresOnly: false,
  };
  expect((await explore(protocol, 5_000)).found).not.toEqual([]);
});

/** Leaves no tombstone of what has expired, so that a touch under way revives it. */
function endingByTheClock(store: SessionStore): SessionStore {
  return override(store, {
    async revoke(id, reason, now) {
      return (await store.read(id, now)) !== undefined && store.revoke(id, reason, now);
    },
  });
}

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
