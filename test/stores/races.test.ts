// A logout against everything that may be in flight: 1,000 seeded interleavings for every store,
// started in random order, from two servers, with random pauses between them.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Random, seededRandom } from '../../src/core/random.ts';
import type { SessionStore } from '../../src/stores/store.ts';
import { rotation } from './ground.ts';
import { newSession, subjects } from './subject.ts';

const interleavings = 1_000;
const atOnce = 8;
const seed = process.env.SEED ?? 'logout';

interface Attempt {
  readonly name: string;
  run(store: SessionStore): Promise<boolean>;
}

/** Zero to three turns of the event loop, of one of its kinds. */
async function pause(random: Random): Promise<void> {
  const turn = random.pick([
    () => Promise.resolve(),
    () => new Promise((resolve) => setImmediate(resolve)),
    () => new Promise((resolve) => setTimeout(resolve, random.below(2))),
  ]);
  for (let turns = random.below(4); turns > 0; turns -= 1) await turn();
}

function shuffled<T>(items: readonly T[], random: Random): T[] {
  return items
    .map((item) => ({ item, at: random.next() }))
    .sort((one, other) => one.at - other.at)
    .map(({ item }) => item);
}

async function interleave(stores: readonly SessionStore[], random: Random): Promise<string[]> {
  const session = newSession({ fields: { n: 0 } });
  const { id, userId, createdAt: now } = session;
  await random.pick(stores).create(session);
  const end: Attempt = random.pick([
    { name: 'revoke', run: (store) => store.revoke(id, 'logout', now) },
    {
      name: 'revokeAll',
      run: async (store) => (await store.revokeAll(userId, 'logout-everywhere', now)) === 1,
    },
    {
      name: 'a login at the limit',
      run: async (store) => {
        const limit = { sessionsMax: 1, atLimit: 'end-oldest' } as const;
        const login = newSession({ userId, createdAt: now });
        const created = await store.create(login, limit);
        return created.outcome === 'ok' && created.ended[0] === id;
      },
    },
  ]);
  const increment = { op: 'increment', field: 'n', by: 1 } as const;
  const update = async (store: SessionStore) =>
    (await store.update(id, [increment], now)).outcome === 'ok';
  const write: Attempt = { name: 'update', run: update };
  const touch: Attempt = { name: 'touch', run: (store) => store.touch(id, now + 1, now + 300_001) };
  const rotate: Attempt = {
    name: 'rotate',
    run: async (store) => {
      const next = rotation('secret-0', `secret-${random.next()}`, now);
      return (await store.rotate(id, next)).outcome !== 'gone';
    },
  };
  const create: Attempt = {
    name: 'create',
    run: async (store) => (await store.create(session)).outcome === 'ok',
  };

  let endIsAcknowledged = false;
  const violations: string[] = [];
  const running: Promise<void>[] = [];
  for (const attempt of shuffled([write, write, touch, rotate, create, end], random)) {
    await pause(random);
    const isLate = endIsAcknowledged;
    const done = attempt.run(random.pick(stores)).then((succeeded) => {
      if (attempt === end) endIsAcknowledged = true;
      if (attempt === end && !succeeded) violations.push('the logout found nothing to end');
      if (attempt === create && succeeded) violations.push('create overwrote the session');
      if (attempt !== end && isLate && succeeded) {
        violations.push(`${attempt.name} begun after the logout succeeded`);
      }
    });
    running.push(done);
  }
  await Promise.all(running);
  for (const store of stores) {
    if ((await store.read(id, now)) !== undefined) violations.push('the session is back');
    for (const late of [write, touch, rotate, create]) {
      if (await late.run(store)) violations.push(`${late.name} succeeded after everything`);
    }
    const listed = await store.list(userId, now);
    if (listed.some((one) => one.id === id)) violations.push('the list shows the session');
  }
  return violations;
}

describe.each(subjects)('$name: a logout against requests in flight', ({ openTwice }) => {
  let stores: readonly SessionStore[];

  beforeAll(async () => {
    stores = await openTwice();
  });
  afterAll(async () => {
    for (const store of new Set(stores)) await store[Symbol.asyncDispose]();
  });

  test(`of ${interleavings} interleavings (seed ${seed}) none brings a session back`, async () => {
    const found: string[] = [];
    let next = 0;
    const explore = async () => {
      while (next < interleavings) {
        const random = seededRandom(`${seed}/${next}`);
        const which = next;
        next += 1;
        const violations = await interleave(stores, random);
        found.push(...violations.map((violation) => `interleaving ${which}: ${violation}`));
      }
    };
    await Promise.all(Array.from({ length: atOnce }, explore));
    expect(found).toEqual([]);
    expect(next).toBe(interleavings);
  });
});
