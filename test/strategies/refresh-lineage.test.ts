// The state machine of refresh: a hundred refreshes at once with one credential, on two servers,
// with replies that get lost on the way. Whoever retries in time is given what the others were
// given; whoever comes after the grace with an old credential ends the session. Time is held by
// hand, and what is lost is drawn from a seed.

import { describe, expect, onTestFinished, test } from 'vitest';
import { type Random, seededRandom } from '../../src/core/random.ts';
import { newTokenKey } from '../../src/keys/token-key.ts';
import { session } from '../../src/strategies/session.ts';
import type { Recogniser, Strategy } from '../../src/strategies/strategy.ts';
import { token } from '../../src/strategies/token.ts';
import { type Subject, subjects } from '../stores/subject.ts';
import {
  Client,
  HandClock,
  lifetimes,
  newUser,
  refresh,
  ringOf,
  startOn,
} from './strategy.contract.ts';

const atOnce = 100;
const { rotationGraceMs } = lifetimes;
/** A thousand where a round costs little; what fits into some seconds where it costs a network. */
const roundsOn: Readonly<Record<string, number>> = { memory: 1_000, redis: 40, postgres: 20 };
/** Signing is not under test, and this key signs fast. */
const keys = await ringOf(await newTokenKey('HS256'));

async function openServers(subject: Subject, strategy: Strategy) {
  const stores = await subject.openTwice();
  onTestFinished(async () => {
    for (const store of new Set(stores)) await store[Symbol.asyncDispose]();
  });
  const clock = new HandClock();
  const start = (at: 0 | 1) => startOn(strategy, stores[at], clock, {}, { keys });
  return { clock, servers: [await start(0), await start(1)] as const };
}

/** All at once, by turns on both servers; a reply that is lost leaves its client as it was. */
async function refreshTogether(
  servers: readonly [Recogniser, Recogniser],
  client: Client,
  random: Random,
  lossRate: number,
): Promise<{ outcomes: Set<string>; heirs: Client[] }> {
  const refreshes = Array.from({ length: atOnce }, (_, at) =>
    refresh(servers[at % 2 === 0 ? 0 : 1], client),
  );
  const results = await Promise.all(refreshes);
  const outcomes = new Set(results.map(({ outcome }) => outcome));
  const heirs = results.flatMap((result) =>
    result.outcome === 'ok' && random.next() >= lossRate ? client.copy().take(result.issue) : [],
  );
  return { outcomes, heirs };
}

const each = Object.entries({ token, session }).flatMap(([name, strategy]) =>
  subjects
    .filter((subject) => subject.name in roundsOn)
    .map((subject) => ({ name, strategy, subject, on: subject.name })),
);

describe.each(each)('$name on $on', ({ strategy, subject, on }) => {
  test('refreshes at once leave one lineage and raise no alarm; reuse after the grace is caught', async () => {
    const { clock, servers } = await openServers(subject, strategy);
    const random = seededRandom(`lineage on ${on}`);
    for (let round = 0; round < (roundsOn[on] ?? 0); round += 1) {
      const [here, there] = random.next() < 0.5 ? servers : ([servers[1], servers[0]] as const);
      const first = new Client().take(await here.begin(newUser(), {}));

      const { outcomes, heirs } = await refreshTogether(servers, first, random, 0.7);
      expect([...outcomes]).toEqual(['ok']);

      clock.pass(random.below(rotationGraceMs));
      const retried = await refresh(there, first);
      if (retried.outcome !== 'ok') throw new Error(`round ${round}: ${retried.outcome}`);
      const heir = first.copy().take(retried.issue);
      expect(new Set([heir, ...heirs].map(({ text }) => text)).size).toBe(1);
      expect(heir.text).not.toBe(first.text);

      // The grace is over a fixed time after the first refresh, however often it was made use of.
      clock.pass(rotationGraceMs);
      const second = await refreshTogether(servers, heir, random, 0);
      expect([...second.outcomes]).toEqual(['ok']);
      expect(new Set(second.heirs.map(({ text }) => text)).size).toBe(1);

      const [last = heir] = second.heirs;
      clock.pass(rotationGraceMs);
      const thief = random.pick([first, heir]);
      expect((await refresh(here, thief)).outcome, `round ${round}`).toBe('reuse');
      for (const holder of [first, heir, last]) {
        expect(await refresh(there, holder)).toMatchObject({ outcome: 'refused' });
      }
    }
  }, 120_000);

  test('a retry does not lengthen the grace', async () => {
    const { clock, servers } = await openServers(subject, strategy);
    const [here, there] = servers;
    const first = new Client().take(await here.begin(newUser(), {}));
    expect((await refresh(here, first)).outcome).toBe('ok');
    clock.pass(rotationGraceMs - 1);
    expect((await refresh(there, first)).outcome).toBe('ok');
    clock.pass(1);
    expect((await refresh(there, first)).outcome).toBe('reuse');
  });
});
