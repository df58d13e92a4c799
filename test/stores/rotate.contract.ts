// The laws of replacing a session's secret: one lineage, whatever arrives at once, twice or late.

import { expect, test } from 'vitest';
import { seededRandom } from '../../src/core/random.ts';
import { withoutSecrets } from '../../src/core/session.ts';
import { type Ground, plain, rotation } from './ground.ts';

export function rotateContract(ground: Ground): void {
  test('the current secret becomes the previous one, and all else stays', async () => {
    const session = await ground.begin({ fields: { a: 1 } });
    const { id, createdAt } = session;
    const now = createdAt + 50;
    const rotated = await ground.there.rotate(id, rotation('secret-0', 'secret-1', now));
    const after = { ...session, rotatedAt: now };
    expect(plain(rotated)).toEqual({ outcome: 'rotated', session: withoutSecrets(after) });
    expect(plain(await ground.here.read(id, now))).toEqual({
      ...after,
      secretHash: 'secret-1',
      previousSecretHash: 'secret-0',
      sealedSecret: 'secret-1-sealed-with-secret-0',
    });
  });

  test('the previous secret is absorbed until the grace is over, which no replay extends', async () => {
    const { id, handle, userId, createdAt } = await ground.begin();
    const rotate = (from: string, to: string, afterMs: number) =>
      ground.there.rotate(id, rotation(from, to, createdAt + afterMs));
    expect(await rotate('secret-0', 'secret-1', 0)).toMatchObject({ outcome: 'rotated' });
    const before = await ground.here.read(id, createdAt);
    for (const afterMs of [0, 900, 999]) {
      expect(await rotate('secret-0', `never-${afterMs}`, afterMs)).toMatchObject({
        outcome: 'absorbed',
        sealedSecret: 'secret-1-sealed-with-secret-0',
      });
      expect(await ground.here.read(id, createdAt)).toEqual(before);
    }
    expect(await rotate('secret-0', 'never', 1_000)).toEqual({ outcome: 'reuse', handle });
    await ground.expectGone(id, createdAt + 1_000);
    expect(await ground.here.list(userId, createdAt)).toEqual([]);
  });

  test.each([
    ['a secret two rotations old', 'secret-0'],
    ['the successor that an absorbed rotation offered', 'never'],
    ['a secret that never was', 'invented'],
  ])('%s is reuse within any grace, and ends the session', async (_, presented) => {
    const { id, handle, createdAt: now } = await ground.begin();
    await ground.here.rotate(id, rotation('secret-0', 'secret-1', now));
    await ground.there.rotate(id, rotation('secret-0', 'never', now));
    expect(await ground.here.rotate(id, rotation('secret-1', 'secret-2', now))).toMatchObject({
      outcome: 'rotated',
    });
    const old = await ground.there.rotate(id, rotation(presented, 'secret-9', now));
    expect(old).toEqual({ outcome: 'reuse', handle });
    await ground.expectGone(id, now);
  });

  test('100 rotations at once with one secret leave one successor, known to all', async () => {
    const { id, userId, createdAt: now } = await ground.begin();
    const outcomes = await Promise.all(
      Array.from({ length: 100 }, (_, n) =>
        ground.at(n).rotate(id, rotation('secret-0', `child-${n}`, now)),
      ),
    );
    const winners = outcomes.flatMap(({ outcome }, n) => (outcome === 'rotated' ? n : []));
    expect(winners).toHaveLength(1);
    const sealed = `child-${winners[0]}-sealed-with-secret-0`;
    const late = outcomes.flatMap((one) => (one.outcome === 'absorbed' ? one.sealedSecret : []));
    expect(late).toEqual(Array(99).fill(sealed));
    const secrets = { secretHash: `child-${winners[0]}`, sealedSecret: sealed };
    expect(await ground.here.read(id, now)).toMatchObject(secrets);
    const next = rotation(secrets.secretHash, 'grandchild', now);
    expect(await ground.there.rotate(id, next)).toMatchObject({ outcome: 'rotated' });
    expect(await ground.here.list(userId, now)).toHaveLength(1);
  });

  test('a logout among rotations ends the session for good, in whatever order', async () => {
    const random = seededRandom('rotate-meets-revoke');
    for (let round = 0; round < 20; round += 1) {
      const { id, userId, createdAt: now } = await ground.begin();
      const at = random.below(8);
      const verbs = Array.from({ length: 8 }, (_, n) => {
        const next = ground.at(n).rotate(id, rotation('secret-0', `child-${n}`, now));
        if (n !== at) return next;
        return Promise.all([
          next,
          round % 2
            ? ground.at(n).revoke(id, 'logout', now)
            : ground.at(n).revokeAll(userId, 'logout-everywhere', now),
        ]).then(([rotated, ended]) => {
          expect(Number(ended)).toBe(1);
          return rotated;
        });
      });
      const words = (await Promise.all(verbs)).map(({ outcome }) => outcome);
      expect(words).not.toContain('reuse');
      expect(words.filter((word) => word === 'rotated').length).toBeLessThanOrEqual(1);
      await ground.expectGone(id, now);
      expect(await ground.here.list(userId, now)).toEqual([]);
    }
  });
}
