// The laws of ending several sessions of one user at once: to make room for another, or all but
// one.

import { expect, test } from 'vitest';
import type { StoredSession } from '../../src/core/session.ts';
import type { SessionLimit } from '../../src/stores/store.ts';
import type { Ground } from './ground.ts';
import { newSession, newUser } from './subject.ts';

const endOldest: SessionLimit = { sessionsMax: 3, atLimit: 'end-oldest' };
const refuse: SessionLimit = { sessionsMax: 3, atLimit: 'refuse' };

export function limitContract(ground: Ground): void {
  const livingIds = async (userId: string, now: number) =>
    (await ground.there.list(userId, now)).map(({ id }) => id);

  /** Begun in an order that is not that of their ages. */
  async function several(userId: string, ages: readonly number[], now: number) {
    const made: StoredSession[] = [];
    for (const age of ages) made.push(await ground.begin({ userId, createdAt: now - age }));
    return made;
  }

  test('one session too many ends the oldest, and only of its user [ASVS 7.1.2]', async () => {
    const userId = newUser();
    const now = Date.now();
    const [middle, oldest, newest] = await several(userId, [20, 30, 10], now);
    const other = await ground.begin({ createdAt: now - 60 });
    const next = newSession({ userId, createdAt: now });
    const created = await ground.there.create(next, endOldest);
    expect(created).toEqual({ outcome: 'ok', ended: [oldest?.id] });
    expect(await livingIds(userId, now)).toEqual([middle?.id, newest?.id, next.id]);
    await ground.expectGone(oldest?.id ?? '', now);
    expect(await ground.here.read(other.id, now)).toBeDefined();
  });

  test('a limit that was lowered ends as many as it takes, oldest first', async () => {
    const userId = newUser();
    const now = Date.now();
    const made = await several(userId, [50, 40, 30, 20, 10], now);
    const next = newSession({ userId, createdAt: now });
    const ended = made.slice(0, 3).map(({ id }) => id);
    expect(await ground.here.create(next, endOldest)).toEqual({ outcome: 'ok', ended });
    expect(await livingIds(userId, now)).toEqual([made[3]?.id, made[4]?.id, next.id]);
  });

  test('a full house refuses, and writes nothing [ASVS 7.1.2]', async () => {
    const userId = newUser();
    const now = Date.now();
    const made = await several(userId, [30, 20, 10], now);
    const next = newSession({ userId, createdAt: now });
    expect(await ground.here.create(next, refuse)).toEqual({ outcome: 'full' });
    expect(await livingIds(userId, now)).toEqual(made.map(({ id }) => id));
    await ground.there.revoke(made[1]?.id ?? '', 'logout', now);
    expect(await ground.there.create(next, refuse)).toEqual({ outcome: 'ok', ended: [] });
  });

  test('what has expired takes no room', async () => {
    const userId = newUser();
    const now = Date.now();
    await several(userId, [300_000, 300_001, 600_000, 10, 5], now);
    const next = newSession({ userId, createdAt: now });
    expect(await ground.here.create(next, refuse)).toEqual({ outcome: 'ok', ended: [] });
    const fourth = newSession({ userId, createdAt: now });
    expect(await ground.there.create(fourth, refuse)).toEqual({ outcome: 'full' });
  });

  test('an id that was used ends nobody', async () => {
    const userId = newUser();
    const now = Date.now();
    const made = await several(userId, [30, 20, 10], now);
    for (const limit of [endOldest, refuse]) {
      const again = { ...newSession({ userId, createdAt: now }), id: made[0]?.id ?? '' };
      expect(await ground.there.create(again, limit)).toEqual({ outcome: 'taken' });
    }
    expect(await livingIds(userId, now)).toEqual(made.map(({ id }) => id));
  });

  async function crowd(count: number, limit: SessionLimit) {
    const userId = newUser();
    const now = Date.now();
    let most = 0;
    const outcomes = await Promise.all(
      Array.from({ length: count }, async (_, n) => {
        const created = await ground.at(n).create(newSession({ userId, createdAt: now }), limit);
        most = Math.max(most, (await livingIds(userId, now)).length);
        return created;
      }),
    );
    expect(most).toBe(3);
    expect(await livingIds(userId, now)).toHaveLength(3);
    const ok = outcomes.flatMap((one) => (one.outcome === 'ok' ? [one.ended] : []));
    expect(ok).toHaveLength(limit === refuse ? 3 : count);
    expect(new Set(ok.flat()).size).toBe(ok.length - 3);
  }

  test('four or fifty logins at once never leave more than three [ASVS 7.1.2]', async () => {
    for (const limit of [endOldest, refuse]) {
      await crowd(50, limit);
      await Promise.all(Array.from({ length: 12 }, () => crowd(4, limit)));
    }
  });

  test('revokeAll spares the session that it is told to spare', async () => {
    const userId = newUser();
    const now = Date.now();
    const [one, own, other] = await several(userId, [30, 20, 10], now);
    const revokeAll = () => ground.there.revokeAll(userId, 'password-changed', now, own?.id);
    expect(await revokeAll()).toBe(2);
    expect(await revokeAll()).toBe(0);
    await ground.expectGone(one?.id ?? '', now);
    await ground.expectGone(other?.id ?? '', now);
    expect(await livingIds(userId, now)).toEqual([own?.id]);
  });
}
