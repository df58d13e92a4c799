// The laws of a session store, the same for every member. Two openings of the store play two
// servers; nothing is known of how it keeps what it keeps.

import { describe, expect, test } from 'vitest';
import {
  type FieldChange,
  type Json,
  type StoredSession,
  withoutSecrets,
} from '../../src/core/session.ts';
import { Ground, increment, plain, set } from './ground.ts';
import { limitContract } from './limit.contract.ts';
import { rotateContract } from './rotate.contract.ts';
import { newSession, newUser, type Subject } from './subject.ts';

export function storeContract(subject: Subject): void {
  describe(`${subject.name}: a session store`, () => {
    const ground = Ground.under(subject);

    describe('create and read', () => {
      test('what one server creates another reads whole', async () => {
        const fields = { cart: { apple: 2, tags: ['a', null, true, 1.5] }, 'cart.pear': 3 };
        const secrets = { previousSecretHash: 'before', sealedSecret: 'sealed' };
        const counts = {
          revision: 7,
          epoch: 1_753_000_000_000.5,
          dataVersion: 2,
          authenticatedAt: 1.5,
        };
        const session = await ground.begin({ fields, ...secrets, ...counts });
        expect(plain(await ground.there.read(session.id, session.createdAt))).toEqual(session);
        await expect(ground.there.ping()).resolves.toBeUndefined();
      });

      test('create overwrites no session, living, ended or expired', async () => {
        const session = await ground.begin({ fields: { mine: 1 } });
        const other = { ...session, userName: 'Mallory', fields: { mine: 2 } };
        const now = session.createdAt;
        expect(await ground.there.create(other)).toEqual({ outcome: 'taken' });
        expect((await ground.here.read(session.id, now))?.fields).toEqual({ mine: 1 });
        await ground.here.revoke(session.id, 'logout', now);
        expect(await ground.there.create(other)).toEqual({ outcome: 'taken' });
        await ground.expectGone(session.id, now);
        const idle = await ground.begin({ createdAt: now - 400_000 });
        const again = { ...idle, idleExpiresAt: now + 300_000 };
        expect(await ground.there.create(again)).toEqual({ outcome: 'taken' });
        await ground.expectGone(idle.id, now);
      });

      test('nothing that is done to an unknown session creates it', async () => {
        const session = newSession();
        await ground.expectGone(session.id, session.createdAt);
        expect(await ground.here.list(session.userId, session.createdAt)).toEqual([]);
        expect(await ground.there.create(session)).toMatchObject({ outcome: 'ok' });
      });

      test('a session ends at the very millisecond of either limit', async () => {
        const { id, idleExpiresAt, absoluteExpiresAt, userId } = await ground.begin();
        expect(await ground.there.read(id, idleExpiresAt - 1)).toBeDefined();
        expect(await ground.there.read(id, idleExpiresAt)).toBeUndefined();
        expect(await ground.here.list(userId, idleExpiresAt)).toEqual([]);
        expect(await ground.here.touch(id, idleExpiresAt - 1, absoluteExpiresAt + 5)).toBe(true);
        expect(await ground.there.read(id, absoluteExpiresAt - 1)).toBeDefined();
        await ground.expectGone(id, absoluteExpiresAt);
        const idle = await ground.begin();
        await ground.expectGone(idle.id, idle.idleExpiresAt);
      });
    });

    describe('update', () => {
      test('changes apply in their order, to the named fields alone', async () => {
        const { id, createdAt: now } = await ground.begin({
          fields: { kept: 'k', text: 't', n: 0.1 },
        });
        const changes: FieldChange[] = [
          ...[increment('n', 0.2), increment('n', 0.7), increment('text', 2)],
          ...[set('list', [1]), increment('list', 3), increment('new', -4)],
          ...[{ op: 'remove', field: 'kept' } as const, increment('kept', 5)],
          ...[increment('gone', 1), { op: 'remove', field: 'gone' } as const],
        ];
        const fields = { n: 0.1 + 0.2 + 0.7, text: 2, list: 3, new: -4, kept: 5 };
        const updated = await ground.there.update(id, changes, now);
        expect(plain(updated)).toEqual({ outcome: 'ok', revision: 1, fields });
        expect(plain((await ground.here.read(id, now))?.fields)).toEqual(fields);
      });

      test('an update at another revision than expected writes nothing', async () => {
        const { id, createdAt: now } = await ground.begin({ revision: 3 });
        const late = await ground.here.update(id, [set('a', 1)], now, { expected: 2 });
        expect(late).toEqual({ outcome: 'conflict', revision: 3 });
        expect(await ground.there.update(id, [set('a', 2)], now, { expected: 3 })).toMatchObject({
          revision: 4,
        });
        expect((await ground.here.read(id, now))?.fields).toEqual({ a: 2 });
      });

      test('an update brings the data to a version in the same step, or leaves it', async () => {
        const { id, createdAt: now } = await ground.begin({ dataVersion: 1 });
        const read = () => ground.there.read(id, now);
        await ground.there.update(id, [set('a', 1)], now);
        expect(await read()).toMatchObject({ dataVersion: 1, revision: 1 });
        const late = { expected: 0, dataVersion: 2 };
        expect(await ground.there.update(id, [set('a', 2)], now, late)).toMatchObject({
          outcome: 'conflict',
        });
        expect(await read()).toMatchObject({ dataVersion: 1, fields: { a: 1 } });
        await ground.there.update(id, [set('a', 2)], now, { expected: 1, dataVersion: 2 });
        const after = { dataVersion: 2, revision: 2, fields: { a: 2 } };
        expect(await read()).toMatchObject(after);
        expect(await ground.here.read(id, now)).toMatchObject(after);
      });

      test('an update that was made for another version of the data writes nothing', async () => {
        const { id, createdAt: now } = await ground.begin({ dataVersion: 1, revision: 3 });
        const update = (madeFor: number) =>
          ground.there.update(id, [set('a', 1)], now, { madeFor });
        for (const madeFor of [0, 2]) {
          expect(await update(madeFor)).toEqual({ outcome: 'conflict', revision: 3 });
        }
        expect(await ground.here.read(id, now)).toMatchObject({ revision: 3, fields: {} });
        expect(await update(1)).toMatchObject({ outcome: 'ok', revision: 4 });
      });

      test('of many updates that expect the same revision one is first', async () => {
        const { id, createdAt: now } = await ground.begin();
        const outcomes = await Promise.all(
          Array.from({ length: 40 }, (_, n) =>
            ground.at(n).update(id, [set('first', n)], now, { expected: 0 }),
          ),
        );
        expect(outcomes.filter(({ outcome }) => outcome === 'ok')).toHaveLength(1);
        expect(outcomes.filter(({ outcome }) => outcome === 'conflict')).toHaveLength(39);
      });

      test('every increment of 50 writers at once counts', async () => {
        const { id, createdAt: now } = await ground.begin();
        await Promise.all(
          Array.from({ length: 50 }, async (_, writer) => {
            const store = ground.at(writer);
            for (let n = 0; n < 10; n += 1) await store.update(id, [increment('n', 1)], now);
          }),
        );
        expect(await ground.here.read(id, now)).toMatchObject({
          revision: 500,
          fields: { n: 500 },
        });
      });

      test('of 1,000 writes at once to different fields none is lost', async () => {
        const { id, createdAt: now } = await ground.begin();
        await Promise.all(
          Array.from({ length: 1_000 }, (_, n) =>
            ground.at(n).update(id, [set(`field-${n}`, n)], now),
          ),
        );
        const expected = Object.fromEntries(
          Array.from({ length: 1_000 }, (_, n) => [`field-${n}`, n]),
        );
        expect(plain((await ground.there.read(id, now))?.fields)).toEqual(expected);
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
        const { id, createdAt: now } = await ground.begin({ fields: { created: values } });
        for (const [index, value] of values.entries()) {
          expect(await ground.here.update(id, [set(`v${index}`, value)], now)).toMatchObject({
            outcome: 'ok',
          });
        }
        const fields = (await ground.there.read(id, now))?.fields ?? {};
        expect(values.map((_, index) => fields[`v${index}`])).toEqual(values);
        expect(fields.created).toEqual(values);
      });

      test('a name is only a name, whatever it looks like', async () => {
        const { id, createdAt: now } = await ground.begin();
        for (const field of names) await ground.here.update(id, [set(field, 1)], now);
        for (const field of names) await ground.there.update(id, [increment(field, 1)], now);
        const fields = (await ground.here.read(id, now))?.fields ?? {};
        expect(Object.keys(fields).sort()).toEqual([...names].sort());
        expect(Object.values(fields)).toEqual(names.map(() => 2));
        const removals = names.map((field) => ({ op: 'remove', field }) as const);
        const emptied = await ground.there.update(id, removals, now);
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
        const { id, createdAt: now } = await ground.begin();
        const writing = ground.here.update(id, [set('b', 1), change], now);
        await expect(writing).rejects.toMatchObject({ code: 'invalid-request' });
        expect(await ground.there.read(id, now)).toMatchObject({ revision: 0, fields: {} });
      });

      test('what a caller does to its objects later changes nothing', async () => {
        const list = [1];
        const { id, createdAt: now } = await ground.begin({ fields: { created: list } });
        await ground.here.update(id, [set('updated', list)], now);
        list.push(2);
        expect((await ground.here.read(id, now))?.fields).toEqual({ created: [1], updated: [1] });
      });
    });

    describe('touch', () => {
      test('a touch changes two clocks, and neither the data nor the revision', async () => {
        const session = await ground.begin({ fields: { a: 1 } });
        const { id, createdAt: now } = session;
        const clocks = { lastSeenAt: now + 1_000, idleExpiresAt: now + 301_000 };
        expect(await ground.there.touch(id, clocks.lastSeenAt, clocks.idleExpiresAt)).toBe(true);
        expect(plain(await ground.here.read(id, now))).toEqual({ ...session, ...clocks });
        expect(await ground.there.touch(id, now + 500, now + 300_500)).toBe(true);
        expect(plain(await ground.here.read(id, now))).toEqual({ ...session, ...clocks });
      });

      test('a touch notes a new proof of who the user is, never an older one', async () => {
        const session = await ground.begin();
        const { id, createdAt: now, idleExpiresAt } = session;
        const proof = { ...session, authenticatedAt: now + 5 };
        expect(await ground.there.touch(id, now, idleExpiresAt, now + 5)).toBe(true);
        expect(plain(await ground.here.read(id, now))).toEqual(proof);
        expect(await ground.there.touch(id, now, idleExpiresAt, now + 4)).toBe(true);
        expect(await ground.there.touch(id, now, idleExpiresAt)).toBe(true);
        expect(plain(await ground.here.read(id, now))).toEqual(proof);
      });

      test('touches at once leave the latest', async () => {
        const { id, createdAt: now } = await ground.begin();
        await Promise.all(
          Array.from({ length: 50 }, (_, n) =>
            ground.at(n).touch(id, now + ((n * 7) % 50), now + 300_000 + ((n * 7) % 50)),
          ),
        );
        expect(await ground.here.read(id, now)).toMatchObject({
          lastSeenAt: now + 49,
          idleExpiresAt: now + 300_049,
        });
      });
    });

    describe('rotate', () => rotateContract(ground));
    describe('the limit of sessions', () => limitContract(ground));

    describe('revoke, revokeAll and list', () => {
      test('a revoked session stays revoked, and only one revocation ends it', async () => {
        const { id, userId, createdAt: now } = await ground.begin({ fields: { a: 1 } });
        const ended = await Promise.all(
          Array.from({ length: 20 }, (_, n) => ground.at(n).revoke(id, 'logout', now)),
        );
        expect(ended.filter(Boolean)).toHaveLength(1);
        await ground.expectGone(id, now);
        expect(await ground.there.list(userId, now)).toEqual([]);
      });

      test('what has expired by the clock of who ends it is ended all the same, for every other clock', async () => {
        const endings = [
          (one: StoredSession) => ground.here.revoke(one.id, 'logout', one.idleExpiresAt),
          (one: StoredSession) => ground.here.revokeAll(one.userId, 'logout', one.idleExpiresAt),
        ];
        for (const end of endings) {
          const one = await ground.begin();
          const { id, createdAt: now, idleExpiresAt } = one;
          expect(Number(await end(one))).toBe(0);
          expect(await ground.there.touch(id, idleExpiresAt - 1, idleExpiresAt + 300_000)).toBe(
            false,
          );
          await ground.expectGone(id, now);
          expect(await ground.there.create(one)).toEqual({ outcome: 'taken' });
        }
      });

      test('revokeAll ends all sessions of the user and nobody else’s', async () => {
        const userId = newUser();
        const mine = await Promise.all([1, 2, 3].map(() => ground.begin({ userId })));
        const other = await ground.begin();
        const now = other.createdAt;
        const [one, two] = await Promise.all([
          ground.here.revokeAll(userId, 'logout-everywhere', now),
          ground.there.revokeAll(userId, 'logout-everywhere', now),
        ]);
        expect(one + two).toBe(3);
        for (const { id } of mine) await ground.expectGone(id, now);
        expect(await ground.there.read(other.id, now)).toBeDefined();
        const later = await ground.begin({ userId });
        expect((await ground.there.list(userId, now)).map(({ id }) => id)).toEqual([later.id]);
      });

      test('a list has the living sessions of the user, oldest first, and no secrets', async () => {
        const userId = newUser();
        const start = Date.now();
        const [second, first, third] = await Promise.all(
          [20, 10, 30].map((ms) => ground.begin({ userId, createdAt: start + ms, fields: { ms } })),
        );
        await ground.here.revoke(second?.id ?? '', 'ended-by-user', start + 40);
        const expected = [first, third].map((session) => {
          return withoutSecrets(session ?? newSession());
        });
        expect(plain(await ground.there.list(userId, start + 40))).toEqual(expected);
        expect(await ground.there.list(newUser(), start)).toEqual([]);
      });
    });
  });
}
