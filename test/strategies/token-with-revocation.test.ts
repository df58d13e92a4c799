// A log of endings before a strategy: what holds when the log, or the store, does not do its part.
// The strategies' own contract is run on it elsewhere.

import { beforeEach, describe, expect, test } from 'vitest';
import { OperatingError } from '../../src/core/errors.ts';
import { memory as memoryLog } from '../../src/revocations/memory.ts';
import type { RevocationLog } from '../../src/revocations/revocation-log.ts';
import { memory } from '../../src/stores/memory.ts';
import type { SessionStore } from '../../src/stores/store.ts';
import { sealedCookie } from '../../src/strategies/sealed-cookie.ts';
import { session } from '../../src/strategies/session.ts';
import type { Recogniser, Strategy } from '../../src/strategies/strategy.ts';
import { tokenWithRevocation } from '../../src/strategies/token-with-revocation.ts';
import { override } from '../support/override.ts';
import {
  Client,
  failing,
  HandClock,
  keepsRecords,
  newUser,
  recognised,
  refresh,
  startOn,
} from './strategy.contract.ts';

const refused = { code: 'revocation-not-durable' };
const revoked = { kind: 'anonymous', reason: 'revoked' };

let store: SessionStore;
let log: RevocationLog;
beforeEach(async () => {
  store = await memory.open({ timeoutMs: 1_000 });
  log = await memoryLog.open({ timeoutMs: 1_000, stalenessMs: 1_000 });
});

const subjects = {
  'token-with-revocation': tokenWithRevocation,
  'session with a log': session,
  'sealed-cookie': sealedCookie,
};

const start = (strategy: Strategy, changes: Partial<RevocationLog> = {}, own = store) =>
  startOn(strategy, own, new HandClock(), {}, { revocations: override(log, changes) });

const begun = async (recogniser: Recogniser, user = newUser()) =>
  new Client().take(await recogniser.begin(user, {}));

const kindOf = async (recogniser: Recogniser, client: Client) =>
  (await recogniser.recognise(client.headers)).kind;

describe.each(Object.entries(subjects))('%s', (_, strategy) => {
  test('an ended session is refused by every server at once [ASVS 7.4.1]', async () => {
    const [one, other] = [await start(strategy), await start(strategy)];
    const client = await begun(one);
    const copy = client.copy();
    await one.leave(client.headers);
    for (const server of [one, other]) {
      expect(await kindOf(server, copy)).toBe('anonymous');
      expect(await refresh(server, copy)).toMatchObject({ outcome: 'refused' });
    }
  });

  test('a logout that is not durable fails, ends nothing and takes nothing from the client', async () => {
    const fails = async () => {
      throw new OperatingError('revocation-not-durable');
    };
    const recogniser = await start(strategy, { endSession: fails, endUser: fails });
    const user = newUser();
    const client = await begun(recogniser, user);
    const own = await recognised(recogniser, client);
    await expect(recogniser.leave(client.headers)).rejects.toMatchObject(refused);
    await expect(recogniser.endAll(own)).rejects.toMatchObject(refused);
    await expect(recogniser.endOthers(own, 'password-changed')).rejects.toMatchObject(refused);
    await expect(recogniser.endUser(user.id, 'account-disabled')).rejects.toMatchObject(refused);
    expect(await kindOf(recogniser, client)).toBe('recognised');
    expect((await refresh(recogniser, client)).outcome).toBe('ok');
  });

  test('with too old a view the log is asked, and without its answer nobody is anybody', async () => {
    const stale = await start(strategy, { standing: () => 'stale' });
    const client = await begun(stale);
    const own = await recognised(stale, client);
    const cause = new OperatingError('store-unavailable');
    const ask = async () => {
      throw cause;
    };
    const cutOff = await start(strategy, { standing: () => 'stale', ask });
    expect(await cutOff.recognise(client.headers)).toEqual({ kind: 'unknown', cause });
    const set = [{ op: 'set', field: 'a', value: 1 }] as const;
    await expect(cutOff.change(own, set)).rejects.toBe(cause);
    await expect(refresh(cutOff, client)).rejects.toBe(cause);
    await expect(cutOff.stepUp(own, client.headers)).rejects.toBe(cause);
    await expect(cutOff.list(own)).rejects.toBe(cause);
    expect((await refresh(stale, client)).outcome).toBe('ok');
    await log.endUser(own.userId, own.absoluteExpiresAt);
    expect(await stale.recognise(client.headers)).toEqual(revoked);
    expect(await stale.list(own)).toEqual([]);
    expect(await stale.change(own, set)).toEqual({ outcome: 'gone' });
    expect(await stale.stepUp(own, client.headers)).toMatchObject({ outcome: 'refused' });
  });

  test('ending all others spares the one that asks, and ending all spares none', async () => {
    const recogniser = await start(strategy);
    const user = newUser();
    const [mine, hers] = [await begun(recogniser, user), await begun(recogniser, user)];
    const own = await recognised(recogniser, mine);
    const others = await recognised(recogniser, hers);
    await recogniser.endOthers(own, 'password-changed');
    expect(await kindOf(recogniser, mine)).toBe('recognised');
    expect(await kindOf(recogniser, hers)).toBe('anonymous');
    expect((await refresh(recogniser, mine.copy())).outcome).toBe('ok');
    const late = recogniser.endOthers(others, 'password-changed');
    await expect(late).rejects.toMatchObject({ code: 'session-ended' });
    expect(await Promise.all([mine, hers].map((each) => kindOf(recogniser, each)))).toEqual([
      'recognised',
      'anonymous',
    ]);
    const later = await begun(recogniser, user);
    expect(await kindOf(recogniser, later)).toBe('recognised');
    await recogniser.endUser(user.id, 'ended-by-admin');
    for (const client of [mine, later]) expect(await kindOf(recogniser, client)).toBe('anonymous');
    expect(await kindOf(recogniser, await begun(recogniser, user))).toBe('recognised');
  });

  test('one’s own session is ended by its handle, and is in no list from then on', async () => {
    const recogniser = await start(strategy);
    const client = await begun(recogniser);
    const own = await recognised(recogniser, client);
    expect((await recogniser.list(own)).map(({ handle }) => handle)).toEqual([own.handle]);
    expect(await recogniser.endOne(own, own.handle)).toBe(true);
    expect(await kindOf(recogniser, client)).toBe('anonymous');
    expect(await recogniser.list(own)).toEqual([]);
  });

  test('a login ends the session that it was made from [ASVS 7.2.4]', async () => {
    const recogniser = await start(strategy);
    const before = await begun(recogniser);
    const after = new Client().take(await recogniser.begin(newUser(), before.headers));
    expect(await kindOf(recogniser, before)).toBe('anonymous');
    expect(await kindOf(recogniser, after)).toBe('recognised');
  });
});

const recorded = Object.entries(subjects).filter(([, strategy]) => keepsRecords(strategy));

describe.each(recorded)('%s keeps a record, and', (_, strategy) => {
  test('a store that forgot a logout revives nobody', async () => {
    const forgetful = override(store, { revoke: async () => true, revokeAll: async () => 1 });
    const recogniser = await start(strategy, {}, forgetful);
    const user = newUser();
    const [one, two] = [await begun(recogniser, user), await begun(recogniser, user)];
    await recogniser.leave(one.headers);
    await recogniser.endAll(await recognised(recogniser, two));
    expect(await recogniser.list({ userId: user.id })).toEqual([]);
    for (const client of [one, two]) {
      expect(await recogniser.recognise(client.headers)).toEqual(revoked);
      expect(await refresh(recogniser, client)).toMatchObject({ outcome: 'refused' });
    }
  });

  test('a login that the limit ended, and one whose old credential came back, are in the log', async () => {
    const sessionLimit = { sessionsMax: 1, atLimit: 'end-oldest' } as const;
    const clock = new HandClock();
    const more = { revocations: log, sessionLimit };
    const recogniser = await startOn(strategy, store, clock, {}, more);
    const user = newUser();
    const first = await begun(recogniser, user);
    const ended = await recognised(recogniser, first);
    const second = await begun(recogniser, user);
    expect(log.standing(ended)).toBe('ended');
    const own = await recognised(recogniser, second);
    const old = second.copy();
    const renewed = await refresh(recogniser, second);
    if (renewed.outcome === 'ok') second.take(renewed.issue);
    clock.pass(10_000);
    expect((await refresh(recogniser, old)).outcome).toBe('reuse');
    expect(log.standing(own)).toBe('ended');
    expect(await kindOf(recogniser, second)).toBe('anonymous');
  });

  test('an old credential ends nothing before the log has it, and the repeat tells the log', async () => {
    const clock = new HandClock();
    const endSession = async () => {
      throw new OperatingError('revocation-not-durable');
    };
    const more = { revocations: log };
    const recogniser = await startOn(strategy, store, clock, {}, more);
    const failing = { revocations: override(log, { endSession }) };
    const cutOff = await startOn(strategy, store, clock, {}, failing);
    const client = await begun(recogniser);
    const own = await recognised(recogniser, client);
    const old = client.copy();
    await refresh(recogniser, client);
    clock.pass(10_000);
    await expect(refresh(cutOff, old)).rejects.toMatchObject(refused);
    expect((await refresh(recogniser, old)).outcome).toBe('reuse');
    expect(log.standing(own)).toBe('ended');
  });

  test('a log that does not answer costs no refresh token: nothing was rotated', async () => {
    const recogniser = await start(strategy);
    const client = await begun(recogniser);
    const ask = async () => {
      throw new OperatingError('store-unavailable');
    };
    const cutOff = await start(strategy, { ask });
    await expect(refresh(cutOff, client.copy())).rejects.toMatchObject({
      code: 'store-unavailable',
    });
    expect((await refresh(recogniser, client)).outcome).toBe('ok');
  });

  test('one of several logins is ended by its handle, in the log too', async () => {
    const recogniser = await start(strategy);
    const user = newUser();
    const [mine, hers] = [await begun(recogniser, user), await begun(recogniser, user)];
    const own = await recognised(recogniser, mine);
    const other = await recognised(recogniser, hers);
    expect(await recogniser.endOne(own, other.handle)).toBe(true);
    expect(log.standing(other)).toBe('ended');
    expect(log.standing(own)).toBe('stands');
    expect(await recogniser.endOne(own, 'never-a-handle')).toBe(false);
  });
});

test('a store that fails after the ending is durable leaves it ended, and says that it does not know', async () => {
  const recogniser = await start(tokenWithRevocation);
  const client = await begun(recogniser);
  const broken = await start(tokenWithRevocation, {}, failing());
  const unknown = { code: 'store-outcome-unknown' };
  await expect(broken.leave(client.headers)).rejects.toMatchObject(unknown);
  expect(await recogniser.recognise(client.headers)).toEqual(revoked);
});

test('without a log it does not start', async () => {
  const starting = startOn({ ...tokenWithRevocation, needs: [] }, store);
  await expect(starting).rejects.toThrow('without a log of endings');
});
