// The stage is the history and nothing else: the same events give the same stage, however they come
// in; every outcome has its reason; nothing grows without end.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { quantile } from '../../src/api/latency.ts';
import { advance, emptyStage, noTally, type Stage } from '../../src/api/stage.ts';
import { heard, told } from '../../src/api/stage-told.ts';
import type { Completion, HistoryEvent, Invocation, RunHeader } from '../../src/core/history.ts';
import { lifetimes } from '../../src/core/limits.ts';
import type { AnswerName } from '../../src/scenarios/scenario.ts';

/** A history that is written as a story: each line takes 10 ms. */
class Story {
  readonly events: HistoryEvent[];
  #now = 0;
  #count = 0;

  constructor(answer: AnswerName) {
    const header: RunHeader = {
      ...{ t: 'run', id: 'story', scenario: 'by-hand', answer, seed: 'x', policy: 'round-robin' },
      ...{ servers: ['s1', 's2'], lifetimes, selfContained: answer.startsWith('token') },
    };
    this.events = [header];
  }

  ask(invocation: Partial<Invocation>, completion: Partial<Completion>): this {
    this.#count += 1;
    const i = this.#count;
    const nobody = { client: 'alice', lane: 0, user: 'alice', sess: null, cred: null };
    const to = { f: 'whoami', to: 'gateway', tPlan: this.#now, tInv: this.#now } as const;
    this.events.push({ t: 'invoke', i, ...nobody, ...to, ...invocation });
    this.#now += 10;
    this.events.push({ t: 'ok', i, status: 200, server: 's1#1', tEnd: this.#now, ...completion });
    return this;
  }

  logIn(sess: string, server = 's1#1'): this {
    const seen = { user: 'alice' };
    return this.ask({ f: 'login' }, { server, sess, seen, set: `hash of ${sess}` });
  }

  known(sess: string, server: string): this {
    return this.ask({ sess }, { server, seen: { user: 'alice' } });
  }

  refused(sess: string, server: string): this {
    return this.ask({ sess }, { server, status: 401, seen: { user: null } });
  }

  logOut(sess: string, server: string): this {
    return this.ask({ f: 'logout', sess }, { server, status: 204, seen: { user: 'alice' } });
  }

  fault(kind: string, target: string, phase: 'begin' | 'end'): this {
    this.#now += 10;
    this.events.push({ t: 'fault', kind, target, phase, at: this.#now });
    return this;
  }

  get stage(): Stage {
    return advance(emptyStage, this.events);
  }

  get last() {
    return this.stage.arrived.at(-1);
  }
}

const inMemory = () => new Story('memory').logIn('alice.1');

test.each([
  [
    'the server that made it',
    inMemory().known('alice.1', 's1#1'),
    true,
    's1 made alice.1 and remembers it',
  ],
  [
    'another server',
    inMemory().refused('alice.1', 's2#1'),
    false,
    's2 has no session alice.1: it was made on s1',
  ],
  [
    'another, after the first died',
    inMemory().fault('crash', 's1', 'begin').refused('alice.1', 's2#1'),
    false,
    's2 has no session alice.1: it was made on s1; s1 died at 0.0 s and its memory with it',
  ],
  [
    'the next life of the server',
    inMemory().fault('crash', 's1', 'begin').fault('crash', 's1', 'end').refused('alice.1', 's1#2'),
    false,
    's1 died at 0.0 s and its memory with it: the new s1 has no session alice.1',
  ],
  [
    'a thief, where the logout did not come',
    inMemory().logOut('alice.1', 's2#1').known('alice.1', 's1#1'),
    false,
    'alice.1 was ended at 0.0 s elsewhere: s1 was not told, and still remembers it',
  ],
  [
    'a thief, of a shared store',
    new Story('redis').logIn('alice.1').logOut('alice.1', 's2#1').refused('alice.1', 's1#1'),
    true,
    'alice.1 was ended at 0.0 s: s1 asked Redis, which has it no more',
  ],
  [
    'a shared store',
    new Story('postgres').logIn('alice.1').known('alice.1', 's2#1'),
    true,
    's2 asked PostgreSQL, which knows alice.1, made on s1',
  ],
  [
    'a store that does not answer',
    new Story('redis')
      .logIn('alice.1')
      .ask({ sess: 'alice.1' }, { t: 'fail', status: 503, reason: 'store-unavailable' }),
    null,
    'Redis does not answer s1, so nobody is judged: 503, and the credential stays',
  ],
  [
    'a token',
    new Story('token').logIn('alice.1').known('alice.1', 's2#1'),
    true,
    'the token proves it: s2 asked nobody',
  ],
  [
    'a token after a logout',
    new Story('token').logIn('alice.1').logOut('alice.1', 's1#1').known('alice.1', 's2#1'),
    false,
    'alice.1 was ended at 0.0 s, but nobody can call a token back',
  ],
  [
    'a server that broke off',
    inMemory()
      .fault('crash', 's1', 'begin')
      .ask({ sess: 'alice.1' }, { t: 'fail', status: 502, server: null }),
    null,
    'a server broke off, and nobody knows how far it was: s1 died at 0.0 s',
  ],
])('asking %s has its reason', (_, story, right, why) => {
  expect(story.last).toMatchObject({ right, why });
});

test('a session is alive, flapping, lost or ended, as those who were asked knew it', () => {
  const state = (story: Story) => story.stage.sessions.get('alice.1')?.state;
  expect(state(inMemory().known('alice.1', 's1#1'))).toBe('alive');
  const flapping = inMemory().refused('alice.1', 's2#1').known('alice.1', 's1#1');
  expect(state(flapping)).toBe('flapping');
  expect(state(flapping.fault('crash', 's1', 'begin').refused('alice.1', 's2#1'))).toBe('lost');
  expect(state(inMemory().refused('alice.1', 's1#1'))).toBe('lost');
  expect(state(inMemory().logOut('alice.1', 's1#1'))).toBe('ended');
});

test('what a logout did not stop is the lag of revocation', () => {
  const story = new Story('token').logIn('alice.1').logOut('alice.1', 's1#1');
  const later = story.known('alice.1', 's2#1').known('alice.1', 's1#1');
  expect(later.stage.sessions.get('alice.1')?.acceptedAfterEndMs).toBe(10);
});

test('a thief who is let in counts against a server, and one who is turned away for it', () => {
  const left = (answer: AnswerName) => new Story(answer).logIn('alice.1').logOut('alice.1', 's1#1');
  const letIn = left('token').known('alice.1', 's2#1').stage;
  expect(letIn.tally).toEqual({ ...noTally, login: 1, known: 1, intruded: 1 });
  const refused = left('redis').refused('alice.1', 's2#1').stage;
  expect(refused.servers.get('s2')?.tally).toEqual({ ...noTally, barred: 1 });
});

test('the same events give the same stage, in whatever batches they come', () => {
  const story = inMemory();
  for (let turn = 0; turn < 20; turn += 1) {
    story
      .refused('alice.1', 's2#1')
      .known('alice.1', 's1#1')
      .logIn(`alice.${turn + 2}`, 's2#1');
    if (turn === 7) story.fault('crash', 's1', 'begin').fault('crash', 's1', 'end');
    if (turn === 12) story.logOut('alice.3', 's2#1');
  }
  const { events, stage } = story;
  const cuts = fc.array(fc.nat(events.length), { maxLength: 30 });
  fc.assert(
    fc.property(cuts, (places) => {
      const sorted = [0, ...places.toSorted((one, other) => one - other), events.length];
      const batches = sorted.slice(1).map((end, at) => events.slice(sorted[at], end));
      expect(batches.reduce(advance, emptyStage)).toEqual(stage);
    }),
  );
});

test('a stage stays as it was, whatever is made of it', () => {
  const before = inMemory().stage;
  const copy = structuredClone(before);
  advance(before, inMemory().refused('alice.1', 's2#1').events.slice(1));
  expect(before).toEqual(copy);
});

test('what is listed is bounded, and what is counted stays counted', () => {
  const story = new Story('redis');
  for (let turn = 0; turn < 3_000; turn += 1) {
    story.logIn(`alice.${turn}`);
    for (let use = 0; use < 20; use += 1) story.known(`alice.${turn}`, 's2#1');
  }
  const { stage } = story;
  expect(stage.arrivals).toBe(63_000);
  expect(stage.tally).toEqual({ ...noTally, known: 60_000, login: 3_000 });
  expect(stage.arrived.length).toBe(200);
  expect(stage.sessions.size).toBe(1_000);
  expect(stage.sessionCounts.alive).toBe(1_000);
  expect(stage.seconds.length).toBe(600);
  expect(stage.underWay.size).toBe(0);
  expect(quantile(stage.latencies, 0.5)).toBeCloseTo(10, 0);
});

test('who comes late goes on from the stage that everybody has', () => {
  const story = inMemory().fault('pause', 's2', 'begin').fault('pause', 's2', 'end');
  for (let turn = 0; turn < 6_000; turn += 1) story.known('alice.1', 's1#1');
  const { events } = story.refused('alice.1', 's2#1').logIn('alice.2').logOut('alice.1', 's1#1');
  for (const cut of [0, 1, 6_000, 12_003, 12_006]) {
    const found = JSON.stringify(told(advance(emptyStage, events.slice(0, cut))));
    expect(advance(heard(JSON.parse(found)), events.slice(cut))).toEqual(story.stage);
  }
});
