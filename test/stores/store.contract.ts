// The laws of a session store, the same for every member. Two openings of the store play two
// servers; nothing is known of how it keeps what it keeps.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { FieldChange, Json } from '../../src/core/session.ts';
import type { SessionStore } from '../../src/stores/store.ts';
import { newSession, newUser, type Subject } from './subject.ts';

const increment = (field: string, by: number): FieldChange => ({ op: 'increment', field, by });
const set = (field: string, value: Json): FieldChange => ({ op: 'set', field, value });

/** As if the writer and the reader were not one process: without prototypes and shared objects. */
const plain = (value: unknown) => JSON.parse(JSON.stringify(value));

export function storeContract({ name, openTwice }: Subject): void {
  describe(`${name}: a session store`, () => {
    let here: SessionStore;
    let there: SessionStore;

    beforeAll(async () => {
      [here, there] = await openTwice();
    });
    afterAll(async () => {
      await here[Symbol.asyncDispose]();
      if (there !== here) await there[Symbol.asyncDispose]();
    });

    async function begin(changes: Parameters<typeof newSession>[0] = {}) {
      const session = newSession(changes);
      expect(await here.create(session)).toBe(true);
      return session;
    }

    async function expectGone(id: string, now: number) {
      for (const store of [here, there]) {
        expect(await store.read(id, now)).toBeUndefined();
        expect(await store.update(id, [set('x', 1)], now)).toEqual({ outcome: 'gone' });
        expect(await store.update(id, [set('x', 1)], now, 0)).toEqual({ outcome: 'gone' });
        expect(await store.touch(id, now, now + 300_000)).toBe(false);
        const rotation = { presentedHash: 'secret-0', nextHash: 'n', now, graceMs: 1_000 };
        expect(await store.rotate(id, rotation)).toEqual({ outcome: 'gone' });
        expect(await store.revoke(id, 'logout', now)).toBe(false);
      }
    }

    describe('create and read', () => {
      test('what one server creates another reads whole', async () => {
        const fields = { cart: { apple: 2, tags: ['a', null, true, 1.5] }, 'cart.pear': 3 };
        const session = await begin({ fields, revision: 7, previousSecretHash: 'before' });
        expect(plain(await there.read(session.id, session.createdAt))).toEqual(session);
        await expect(there.ping()).resolves.toBeUndefined();
      });

      test('create overwrites no session, living, ended or expired', async () => {
        const session = await begin({ fields: { mine: 1 } });
        const other = { ...session, userName: 'Mallory', fields: { mine: 2 } };
        const now = session.createdAt;
        expect(await there.create(other)).toBe(false);
        expect((await here.read(session.id, now))?.fields).toEqual({ mine: 1 });
        await here.revoke(session.id, 'logout', now);
        expect(await there.create(other)).toBe(false);
        await expectGone(session.id, now);
        const idle = await begin({ createdAt: now - 400_000 });
        expect(await there.create({ ...idle, idleExpiresAt: now + 300_000 })).toBe(false);
        await expectGone(idle.id, now);
      });

      test('nothing that is done to an unknown session creates it', async () => {
        const session = newSession();
        await expectGone(session.id, session.createdAt);
        expect(await here.list(session.userId, session.createdAt)).toEqual([]);
        expect(await there.create(session)).toBe(true);
      });

      test('a session ends at the very millisecond of either limit', async () => {
        const session = await begin();
        const { id, idleExpiresAt, absoluteExpiresAt, userId } = session;
        expect(await there.read(id, idleExpiresAt - 1)).toBeDefined();
        await expectGone(id, idleExpiresAt);
        expect(await here.list(userId, idleExpiresAt)).toEqual([]);
        expect(await here.revokeAll(userId, 'logout-everywhere', idleExpiresAt)).toBe(0);
        expect(await here.touch(id, idleExpiresAt - 1, absoluteExpiresAt + 5)).toBe(true);
        expect(await there.read(id, absoluteExpiresAt - 1)).toBeDefined();
        await expectGone(id, absoluteExpiresAt);
      });
    });

    describe('update', () => {
      test('changes apply in their order, to the named fields alone', async () => {
        const { id, createdAt: now } = await begin({ fields: { kept: 'k', text: 't', n: 0.1 } });
        const changes: FieldChange[] = [
          ...[increment('n', 0.2), increment('n', 0.7), increment('text', 2)],
          ...[set('list', [1]), increment('list', 3), increment('new', -4)],
          ...[{ op: 'remove', field: 'kept' } as const, increment('kept', 5)],
          ...[increment('gone', 1), { op: 'remove', field: 'gone' } as const],
        ];
        const fields = { n: 0.1 + 0.2 + 0.7, text: 2, list: 3, new: -4, kept: 5 };
        const updated = await there.update(id, changes, now);
        expect(plain(updated)).toEqual({ outcome: 'ok', revision: 1, fields });
        expect(plain((await here.read(id, now))?.fields)).toEqual(fields);
      });

      test('an update at another revision than expected writes nothing', async () => {
        const { id, createdAt: now } = await begin({ revision: 3 });
        const late = await here.update(id, [set('a', 1)], now, 2);
        expect(late).toEqual({ outcome: 'conflict', revision: 3 });
        expect(await there.update(id, [set('a', 2)], now, 3)).toMatchObject({ revision: 4 });
        expect((await here.read(id, now))?.fields).toEqual({ a: 2 });
      });

      test('of many updates that expect the same revision one is first', async () => {
        const { id, createdAt: now } = await begin();
        const outcomes = await Promise.all(
          Array.from({ length: 40 }, (_, n) =>
            (n % 2 ? here : there).update(id, [set('first', n)], now, 0),
          ),
        );
        expect(outcomes.filter(({ outcome }) => outcome === 'ok')).toHaveLength(1);
        expect(outcomes.filter(({ outcome }) => outcome === 'conflict')).toHaveLength(39);
      });

      test('every increment of 50 writers at once counts', async () => {
        const { id, createdAt: now } = await begin();
        await Promise.all(
          Array.from({ length: 50 }, async (_, writer) => {
            const store = writer % 2 ? here : there;
            for (let n = 0; n < 10; n += 1) await store.update(id, [increment('n', 1)], now);
          }),
        );
        expect(await here.read(id, now)).toMatchObject({ revision: 500, fields: { n: 500 } });
      });

      test('of 1,000 writes at once to different fields none is lost', async () => {
        const { id, createdAt: now } = await begin();
        await Promise.all(
          Array.from({ length: 1_000 }, (_, n) =>
            (n % 2 ? here : there).update(id, [set(`field-${n}`, n)], now),
          ),
        );
        const expected = Object.fromEntries(
          Array.from({ length: 1_000 }, (_, n) => [`field-${n}`, n]),
        );
        expect(plain((await there.read(id, now))?.fields)).toEqual(expected);
      });
    });

    describe('values and names', () => {
      const values: Json[] = [
        ...['', 'a "quoted" \\u0000 text\n', '💡 \u2028', '12', 'null', true, false, null],
        ...[0, -1, 0.1, 1e-7, 1e21, 1.7976931348623157e308, 5e-324, Number.MAX_SAFE_INTEGER],
        ...[[], {}, [[], {}], { a: { b: [1, 'x', null] }, '': 0 }],
      ];
      const names = [
        ...['', ' ', 'a.b', "it's", 'say "hi"', 'f:x', 'revokedAt', '{tag}', '*', '\\', '\r\n'],
        ...['__proto__', 'constructor', 'toString', 'ünïcödé', '💡', '$1', '%s', '日本'],
      ];

      test('values of every kind of JSON come back as they were', async () => {
        const { id, createdAt: now } = await begin({ fields: { created: values } });
        for (const [index, value] of values.entries()) {
          expect(await here.update(id, [set(`v${index}`, value)], now)).toMatchObject({
            outcome: 'ok',
          });
        }
        const fields = (await there.read(id, now))?.fields ?? {};
        expect(values.map((_, index) => fields[`v${index}`])).toEqual(values);
        expect(fields.created).toEqual(values);
      });

      test('a name is only a name, whatever it looks like', async () => {
        const { id, createdAt: now } = await begin();
        for (const field of names) await here.update(id, [set(field, 1)], now);
        for (const field of names) await there.update(id, [increment(field, 1)], now);
        const fields = (await here.read(id, now))?.fields ?? {};
        expect(Object.keys(fields).sort()).toEqual([...names].sort());
        expect(Object.values(fields)).toEqual(names.map(() => 2));
        const removals = names.map((field) => ({ op: 'remove', field }) as const);
        const emptied = await there.update(id, removals, now);
        expect(plain(emptied)).toMatchObject({ outcome: 'ok', fields: {} });
      });

      test.each<[string, FieldChange]>([
        ['a number that JSON has not', set('a', Number.NaN)],
        ['an increment that is no number', increment('a', Number.POSITIVE_INFINITY)],
        ['U+0000 in a text', set('a', ['\0'])],
        ['half a character in a text', set('a', { b: '\ud83d' })],
        ['U+0000 in a name', set('\0', 1)],
        ['half a character in a name', increment('\udca1', 1)],
        ['half a character in a name within', set('a', { '\ud83d': 1 })],
      ])('%s is refused, and nothing is written', async (_, change) => {
        const { id, createdAt: now } = await begin();
        const writing = here.update(id, [set('b', 1), change], now);
        await expect(writing).rejects.toMatchObject({ code: 'invalid-request' });
        expect(await there.read(id, now)).toMatchObject({ revision: 0, fields: {} });
      });

      test('what a caller does to its objects later changes nothing', async () => {
        const list = [1];
        const { id, createdAt: now } = await begin({ fields: { created: list } });
        await here.update(id, [set('updated', list)], now);
        list.push(2);
        expect((await here.read(id, now))?.fields).toEqual({ created: [1], updated: [1] });
      });
    });

    describe('touch', () => {
      test('a touch changes two clocks, and neither the data nor the revision', async () => {
        const session = await begin({ fields: { a: 1 } });
        const { id, createdAt: now } = session;
        const clocks = { lastSeenAt: now + 1_000, idleExpiresAt: now + 301_000 };
        expect(await there.touch(id, clocks.lastSeenAt, clocks.idleExpiresAt)).toBe(true);
        expect(plain(await here.read(id, now))).toEqual({ ...session, ...clocks });
        expect(await there.touch(id, now + 500, now + 300_500)).toBe(true);
        expect(plain(await here.read(id, now))).toEqual({ ...session, ...clocks });
      });

      test('touches at once leave the latest', async () => {
        const { id, createdAt: now } = await begin();
        await Promise.all(
          Array.from({ length: 50 }, (_, n) =>
            (n % 2 ? here : there).touch(id, now + ((n * 7) % 50), now + 300_000 + ((n * 7) % 50)),
          ),
        );
        expect(await here.read(id, now)).toMatchObject({
          lastSeenAt: now + 49,
          idleExpiresAt: now + 300_049,
        });
      });
    });

    describe('rotate', () => {
      const graceMs = 1_000;

      test('the current secret becomes the previous one, and all else stays', async () => {
        const session = await begin({ fields: { a: 1 } });
        const now = session.createdAt + 50;
        const { id } = session;
        const rotation = { presentedHash: 'secret-0', nextHash: 'secret-1', now, graceMs };
        const rotated = await there.rotate(id, rotation);
        const { secretHash: _, previousSecretHash: __, ...seen } = session;
        const expected = { outcome: 'rotated', session: { ...seen, rotatedAt: now } };
        expect(plain(rotated)).toEqual(expected);
        expect(plain(await here.read(id, now))).toEqual({
          ...session,
          rotatedAt: now,
          secretHash: 'secret-1',
          previousSecretHash: 'secret-0',
        });
      });

      test('the previous secret is absorbed until the grace is over, and not longer', async () => {
        const { id, handle, userId, createdAt } = await begin();
        const rotate = (presentedHash: string, nextHash: string, afterMs: number) =>
          there.rotate(id, { presentedHash, nextHash, now: createdAt + afterMs, graceMs });
        expect(await rotate('secret-0', 'secret-1', 0)).toMatchObject({ outcome: 'rotated' });
        expect(await rotate('secret-0', 'secret-2', 900)).toMatchObject({ outcome: 'absorbed' });
        expect(await rotate('secret-0', 'secret-3', 999)).toMatchObject({ outcome: 'absorbed' });
        expect(await here.read(id, createdAt)).toMatchObject({
          secretHash: 'secret-3',
          previousSecretHash: 'secret-0',
          rotatedAt: createdAt,
        });
        expect(await rotate('secret-0', 'secret-4', 1_000)).toEqual({ outcome: 'reuse', handle });
        await expectGone(id, createdAt + 1_000);
        expect(await here.list(userId, createdAt)).toEqual([]);
      });

      test('a secret two rotations old is reuse, within any grace', async () => {
        const { id, handle, createdAt: now } = await begin();
        for (const n of [0, 1]) {
          const hashes = { presentedHash: `secret-${n}`, nextHash: `secret-${n + 1}` };
          expect(await here.rotate(id, { ...hashes, now, graceMs })).toMatchObject({
            outcome: 'rotated',
          });
        }
        const old = { presentedHash: 'secret-0', nextHash: 'secret-9', now, graceMs };
        expect(await there.rotate(id, old)).toEqual({ outcome: 'reuse', handle });
        await expectGone(id, now);
      });

      test('100 rotations at once with one secret leave one lineage and no alarm', async () => {
        const { id, userId, createdAt: now } = await begin();
        const outcomes = await Promise.all(
          Array.from({ length: 100 }, (_, n) => {
            const rotation = { presentedHash: 'secret-0', nextHash: `child-${n}`, now, graceMs };
            return (n % 2 ? here : there).rotate(id, rotation);
          }),
        );
        const words = outcomes.map(({ outcome }) => outcome).sort();
        expect(words).toEqual([...Array(99).fill('absorbed'), 'rotated']);
        const session = await here.read(id, now);
        expect(session?.secretHash).toMatch(/^child-\d+$/);
        const presentedHash = session?.secretHash ?? '';
        const rotation = { presentedHash, nextHash: 'grandchild', now, graceMs };
        expect(await there.rotate(id, rotation)).toMatchObject({ outcome: 'rotated' });
        expect(await here.list(userId, now)).toHaveLength(1);
      });
    });

    describe('revoke, revokeAll and list', () => {
      test('a revoked session stays revoked, and only one revocation ends it', async () => {
        const { id, userId, createdAt: now } = await begin({ fields: { a: 1 } });
        const ended = await Promise.all(
          Array.from({ length: 20 }, (_, n) => (n % 2 ? here : there).revoke(id, 'logout', now)),
        );
        expect(ended.filter(Boolean)).toHaveLength(1);
        await expectGone(id, now);
        expect(await there.list(userId, now)).toEqual([]);
      });

      test('revokeAll ends all sessions of the user and nobody else’s', async () => {
        const userId = newUser();
        const mine = await Promise.all([1, 2, 3].map(() => begin({ userId })));
        const other = await begin();
        const now = other.createdAt;
        const [one, two] = await Promise.all([
          here.revokeAll(userId, 'logout-everywhere', now),
          there.revokeAll(userId, 'logout-everywhere', now),
        ]);
        expect(one + two).toBe(3);
        for (const { id } of mine) await expectGone(id, now);
        expect(await there.read(other.id, now)).toBeDefined();
        const later = await begin({ userId });
        expect((await there.list(userId, now)).map(({ id }) => id)).toEqual([later.id]);
      });

      test('a list has the living sessions of the user, oldest first, and no secrets', async () => {
        const userId = newUser();
        const start = Date.now();
        const [second, first, third] = await Promise.all(
          [20, 10, 30].map((ms) => begin({ userId, createdAt: start + ms, fields: { ms } })),
        );
        await here.revoke(second?.id ?? '', 'ended-by-user', start + 40);
        const expected = [first, third].map((session) => {
          const { secretHash: _, previousSecretHash: __, ...seen } = session ?? newSession();
          return seen;
        });
        expect(plain(await there.list(userId, start + 40))).toEqual(expected);
        expect(await there.list(newUser(), start)).toEqual([]);
      });
    });
  });
}
