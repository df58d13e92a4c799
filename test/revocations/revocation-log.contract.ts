// What every log of endings keeps, opened twice as two servers would.

import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { Ending, Judged, RevocationLog } from '../../src/revocations/revocation-log.ts';

export interface Subject {
  readonly name: string;
  /** Opens one log from two servers; where only one can see it, it comes twice. */
  openTwice(): Promise<readonly [RevocationLog, RevocationLog]>;
}

export function newSession(epoch = 0, userId: string = randomUUID()): Judged {
  return { id: randomUUID(), userId, epoch };
}

export const inAnHour = () => Date.now() + 3_600_000;

/** Waits until the server knows; fails when it takes longer than any poll. */
export async function expectStanding(log: RevocationLog, session: Judged, standing: string) {
  await vi.waitFor(() => expect(log.standing(session)).toBe(standing), {
    timeout: 10_000,
    interval: 2,
  });
}

/** Waits for a view that was asked for after this call. */
export async function nextView(log: RevocationLog): Promise<void> {
  const now = performance.now();
  const isNewer = () => expect(performance.now() - log.ageMs()).toBeGreaterThan(now);
  await vi.waitFor(isNewer, { timeout: 10_000, interval: 5 });
}

export function revocationContract({ name, openTwice }: Subject): void {
  describe(name, () => {
    let one: RevocationLog;
    let other: RevocationLog;
    beforeAll(async () => {
      [one, other] = await openTwice();
    });
    afterAll(async () => {
      await Promise.all([one[Symbol.asyncDispose](), other[Symbol.asyncDispose]()]);
    });

    test('a session stands until it is ended, and never again', async () => {
      const [ended, living] = [newSession(), newSession()];
      for (const log of [one, other]) expect(log.standing(ended)).toBe('stands');
      await one.endSession(ended.id, inAnHour());
      expect(one.standing(ended)).toBe('ended');
      expect(await other.ask(ended)).toBe('ended');
      await expectStanding(other, ended, 'ended');
      await one.endSession(ended.id, inAnHour());
      for (const log of [one, other]) {
        expect(log.standing(ended)).toBe('ended');
        expect(log.standing(living)).toBe('stands');
        expect(await log.ask(living)).toBe('stands');
      }
    });

    test('an ending that is told again matters as long as it did at most', async () => {
      const ended = newSession();
      await one.endSession(ended.id, inAnHour());
      for (let n = 0; n < 50; n += 1) await one.endSession(n ? randomUUID() : ended.id, 1);
      await nextView(one);
      expect(one.standing(ended)).toBe('ended');
    });

    test('a server learns of an ending without asking', async () => {
      const ended = newSession();
      await one.endSession(ended.id, inAnHour());
      await expectStanding(other, ended, 'ended');
    });

    test('ending a user ends every session that began before, and none that begins after', async () => {
      const before = newSession(await other.epochOf('ann'), 'ann');
      const bobs = newSession(0, 'bob');
      const epoch = await one.endUser('ann', inAnHour());
      expect(epoch).toBeGreaterThan(before.epoch);
      for (const log of [one, other]) expect(await log.epochOf('ann')).toBe(epoch);
      const after = newSession(epoch, 'ann');
      await expectStanding(other, before, 'ended');
      for (const log of [one, other]) {
        expect([log.standing(after), log.standing(bobs)]).toEqual(['stands', 'stands']);
        expect(await log.ask(before)).toBe('ended');
        expect(await log.ask(after)).toBe('stands');
      }
    });

    test('the session that is spared lives until its user is ended again', async () => {
      const { userId } = newSession();
      const [spared, ended] = [newSession(0, userId), newSession(0, userId)];
      const first = await one.endUser(userId, inAnHour(), spared);
      await expectStanding(other, ended, 'ended');
      for (const log of [one, other]) {
        expect(log.standing(spared)).toBe('stands');
        expect(await log.ask(spared)).toBe('stands');
      }
      const later = newSession(first, userId);
      const second = await other.endUser(userId, inAnHour(), later);
      expect(second).toBeGreaterThan(first);
      await expectStanding(one, spared, 'ended');
      for (const log of [one, other]) expect(await log.ask(later)).toBe('stands');
    });

    test('a session that was ended with others does not come back by ending others', async () => {
      const { userId } = newSession();
      const [spared, ended] = [newSession(0, userId), newSession(0, userId)];
      const epoch = await one.endUser(userId, inAnHour(), spared);
      expect(await other.endUser(userId, inAnHour(), ended)).toBe(0);
      for (const log of [one, other]) {
        expect(await log.epochOf(userId)).toBe(epoch);
        expect(await log.ask(ended)).toBe('ended');
        expect(await log.ask(spared)).toBe('stands');
      }
      expect(await other.endUser(userId, inAnHour(), spared)).toBeGreaterThan(epoch);
      await one.endUser(userId, inAnHour());
      expect(await other.endUser(userId, inAnHour(), spared)).toBe(0);
    });

    test('of many that end a user at once each is given another epoch, and the greatest holds', async () => {
      const { userId } = newSession();
      const endings = Array.from({ length: 20 }, (_, at) =>
        (at % 2 ? one : other).endUser(userId, inAnHour()),
      );
      const epochs = await Promise.all(endings);
      expect(new Set(epochs).size).toBe(20);
      const greatest = Math.max(...epochs);
      for (const log of [one, other]) expect(await log.epochOf(userId)).toBe(greatest);
      await expectStanding(other, newSession(greatest - 1, userId), 'ended');
      expect(other.standing(newSession(greatest, userId))).toBe('stands');
    });

    test('a follower is called for each ending, whoever brought it about', async () => {
      const [session, { userId }] = [newSession(), newSession()];
      const heard: Ending[] = [];
      using _ = other.follow((ending) => heard.push(ending));
      await one.endSession(session.id, inAnHour());
      const epoch = await other.endUser(userId, inAnHour(), session);
      await expectStanding(other, session, 'ended');
      const wanted = [
        { kind: 'session', sessionId: session.id },
        { kind: 'user', userId, epoch, except: session.id },
      ];
      for (const each of wanted) {
        expect(heard).toContainEqual(expect.objectContaining(each));
      }
    });

    test('what no longer matters is of no consequence to sessions that begin then', async () => {
      const { userId } = newSession();
      const past = Date.now() - 1;
      const epoch = await one.endUser(userId, past);
      for (const log of [one, other]) {
        expect(await log.epochOf(userId)).toBe(0);
        expect(log.standing(newSession(0, userId))).toBe('stands');
      }
      const spared = newSession(0, userId);
      expect(await other.endUser(userId, inAnHour(), spared)).toBeGreaterThan(epoch);
      expect(await one.ask(spared)).toBe('stands');
    });
  });
}
