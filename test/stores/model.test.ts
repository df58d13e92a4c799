// Random sequences of verbs, under a time held by hand, have the same outcomes in every store as in
// a model that is too simple to be wrong. fast-check shrinks a failure and prints its seed.

import { inspect } from 'node:util';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { FieldChange, Json, StoredSession } from '../../src/core/session.ts';
import type { SessionStore } from '../../src/stores/store.ts';
import { Model } from './model.ts';
import { newSession, newUser, subjects } from './subject.ts';

/** The longest sequence of waits stays within it: what is beyond may be swept away at any time. */
const absoluteMs = 6_000;
const idleMs = 300;
const graceMs = 100;

const field = fc.constantFrom('a', 'b', '__proto__');
const change: fc.Arbitrary<FieldChange> = fc.oneof(
  fc.record({
    op: fc.constant('set' as const),
    field,
    value: fc.jsonValue({ maxDepth: 1 }).map((value) => JSON.parse(JSON.stringify(value)) as Json),
  }),
  fc.record({
    op: fc.constant('increment' as const),
    field,
    by: fc.oneof(fc.integer({ min: -9, max: 9 }), fc.constantFrom(0.1, 0.7, 1e9)),
  }),
  fc.record({ op: fc.constant('remove' as const), field }),
);

const limit = fc.option(
  fc.record({
    sessionsMax: fc.integer({ min: 1, max: 2 }),
    atLimit: fc.constantFrom('end-oldest' as const, 'refuse' as const),
  }),
  { nil: undefined },
);

const step = fc.oneof(
  fc.record({ verb: fc.constant('create' as const), limit }),
  fc.record({ verb: fc.constant('read' as const) }),
  fc.record({
    verb: fc.constant('update' as const),
    changes: fc.array(change, { maxLength: 4 }),
    options: fc.record(
      {
        expected: fc.nat({ max: 3 }),
        madeFor: fc.nat({ max: 1 }),
        dataVersion: fc.nat({ max: 3 }),
      },
      { requiredKeys: [] },
    ),
  }),
  fc.record({
    verb: fc.constant('touch' as const),
    idleMs: fc.nat({ max: 400 }),
    proofMs: fc.option(fc.integer({ min: -50, max: 50 }), { nil: undefined }),
  }),
  fc.record({ verb: fc.constant('rotate' as const), age: fc.nat({ max: 3 }) }),
  fc.record({ verb: fc.constant('revoke' as const) }),
  fc.record({ verb: fc.constant('revokeAll' as const), spares: fc.boolean() }),
  fc.record({ verb: fc.constant('list' as const) }),
  fc.record({ verb: fc.constant('wait' as const), waitMs: fc.nat({ max: 150 }) }),
);
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;

/** Two sessions of one user, and one of another. */
const sequences = fc.array(fc.tuple(fc.nat({ max: 2 }), step), {
  minLength: 5,
  maxLength: 40,
  size: 'max',
});

interface World {
  now: number;
  secrets: number;
  readonly sessions: readonly StoredSession[];
}

function newWorld(): World {
  const users = [newUser(), newUser()];
  const now = Date.now();
  const sessions = [0, 0, 1].map((user, number) =>
    newSession({
      userId: users[user] ?? '',
      createdAt: now + number,
      absoluteExpiresAt: now + absoluteMs,
      idleExpiresAt: now + idleMs,
    }),
  );
  return { now, secrets: 0, sessions };
}

function perform(store: SessionStore, session: StoredSession, one: Step, world: World) {
  const { id, userId } = session;
  const { now, secrets, sessions } = world;
  const hash = (number: number) => `secret-${Math.max(0, number)}`;
  switch (one.verb) {
    case 'create':
      return store.create(
        { ...session, createdAt: now + sessions.indexOf(session) / 8 },
        one.limit,
      );
    case 'read':
      return store.read(id, now);
    case 'update':
      return store.update(id, one.changes, now, one.options);
    case 'touch':
      return store.touch(
        ...([id, now, now + one.idleMs] as const),
        one.proofMs === undefined ? undefined : now + one.proofMs,
      );
    case 'rotate': {
      const hashes = { presentedHash: hash(secrets - one.age), nextHash: hash(secrets + 1) };
      return store.rotate(id, { ...hashes, sealedNext: `sealed-${secrets}`, now, graceMs });
    }
    case 'revoke':
      return store.revoke(id, 'logout', now);
    case 'revokeAll':
      return store.revokeAll(userId, 'password-changed', now, one.spares ? id : undefined);
    case 'list':
      return store
        .list(userId, now)
        .then((all) => all.toSorted((two, other) => two.createdAt - other.createdAt));
    case 'wait':
      return undefined;
  }
}

/** Without prototypes and -0, which survive no journey. */
const plain = (value: unknown): unknown =>
  value === undefined ? undefined : JSON.parse(JSON.stringify(value));

/** The servers take turns. */
async function outcomes(
  servers: readonly [SessionStore, ...SessionStore[]],
  world: World,
  steps: readonly [number, Step][],
) {
  const found: string[] = [];
  for (const [turn, [number, one]] of steps.entries()) {
    const store = servers[turn % servers.length] ?? servers[0];
    const session = world.sessions[number] ?? newSession();
    const outcome = await perform(store, session, one, world);
    found.push(`${one.verb}: ${inspect(plain(outcome), { sorted: true, depth: null })}`);
    if (one.verb === 'wait') world.now += one.waitMs;
    if (one.verb === 'rotate') world.secrets += 1;
  }
  return found;
}

describe.each(subjects)('$name: any sequence of verbs', ({ openTwice }) => {
  let servers: readonly [SessionStore, SessionStore];

  beforeAll(async () => {
    servers = await openTwice();
  });
  afterAll(async () => {
    for (const store of new Set(servers)) await store[Symbol.asyncDispose]();
  });

  test('has the outcomes of the model', async () => {
    const seen = new Set<string>();
    await fc.assert(
      fc.asyncProperty(sequences, async (steps) => {
        const world = newWorld();
        const expected = await outcomes([new Model()], { ...world }, steps);
        for (const outcome of expected) seen.add(/outcome: '(\w+)'/.exec(outcome)?.[1] ?? '');
        expect(await outcomes(servers, { ...world }, steps)).toEqual(expected);
      }),
      { numRuns: 250 },
    );
    const words = ['absorbed', 'conflict', 'full', 'gone', 'ok', 'reuse', 'rotated', 'taken'];
    expect([...seen].filter(Boolean).sort()).toEqual(words);
  });
});
