// What is true of all checkers at once: no false alarm on a system that is right by construction,
// every planted flaw found by the checker that is named after it, no crash on what is malformed,
// and linear time.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { judge, startJudging } from '../../src/checkers/engine.ts';
import { type HistoryEvent, operations, type RunHeader } from '../../src/core/history.ts';
import { properties } from '../../src/core/verdict.ts';
import { done, History, known, nobody, timeout } from './history.ts';
import { Model, type Plan, type PlannedOperation } from './model.ts';

const operation: fc.Arbitrary<PlannedOperation> = fc.record({
  f: fc.oneof(fc.constantFrom('whoami', 'put', 'read', 'refresh'), fc.constantFrom(...operations)),
  gapMs: fc.integer({ min: 0, max: 60 }),
  lengthMs: fc.integer({ min: 1, max: 200 }),
  effectAt: fc.double({ min: 0.01, max: 0.99, noNaN: true }),
  fate: fc.constantFrom('ok', 'fail', 'info-done', 'info-never', 'info-late'),
  lateMs: fc.integer({ min: 0, max: 3_000 }),
  item: fc.constantFrom('apple', 'pear'),
});
const lane = fc.array(operation, { maxLength: 12 });

const plan: fc.Arbitrary<Plan> = fc.record({
  selfContained: fc.boolean(),
  lifetimes: fc.record({
    idleMs: fc.constantFrom(2_500, 100_000),
    absoluteMs: fc.constantFrom(4_000, 500_000),
    accessTokenMs: fc.constantFrom(3_000, 100_000),
    rotationGraceMs: fc.constantFrom(0, 100, 10_000),
    freshMs: fc.constant(60_000),
  }),
  clients: fc.array(
    fc.record({
      user: fc.constantFrom('alice', 'bob'),
      lanes: fc
        .tuple(lane, lane)
        .map(([first, second]) => [[login, ...first], second.length > 0 ? [wait, ...second] : []]),
    }),
    { minLength: 1, maxLength: 4 },
  ),
  faultAtMs: fc.integer({ min: 0, max: 1_500 }),
  faultMs: fc.integer({ min: 1, max: 3_000 }),
});

const login: PlannedOperation = {
  f: 'login',
  gapMs: 1,
  lengthMs: 5,
  effectAt: 0.5,
  fate: 'ok',
  lateMs: 0,
  item: 'apple',
};
const wait: PlannedOperation = { ...login, f: 'whoami', gapMs: 10 };

const names = Object.keys(properties) as (keyof typeof properties)[];

test('a system that is right is never accused', () => {
  fc.assert(
    fc.property(plan, (sound) => {
      const accused = judge(new Model(sound).events).filter(({ outcome }) => outcome !== 'HOLDS');
      expect(accused).toEqual([]);
    }),
    { numRuns: 1_000 },
  );
});

test.each(names)('a planted flaw of %s is found by the checker of that name', (name) => {
  fc.assert(
    fc.property(plan, (sound) => {
      const found = judge(new Model(sound, name).events).find(({ property }) => property === name);
      expect(found).toMatchObject({ outcome: 'VIOLATED' });
      expect(found?.witness?.events.length).toBeGreaterThan(0);
      expect(found?.witness?.events.length).toBeLessThanOrEqual(4);
    }),
    { numRuns: 50 },
  );
});

test('a history that is cut off anywhere accuses nobody', () => {
  fc.assert(
    fc.property(plan, fc.double({ min: 0, max: 1, noNaN: true }), (sound, part) => {
      const { events } = new Model(sound);
      const cut = events.slice(0, Math.floor(events.length * part));
      expect(judge(cut).filter(({ outcome }) => outcome === 'VIOLATED')).toEqual([]);
    }),
    { numRuns: 200 },
  );
});

test('what is malformed is skipped', () => {
  const { events } = new History().login('alice.1').whoami('alice.1', nobody());
  const rubbish = fc.oneof(
    fc.anything(),
    fc
      .tuple(
        fc.constantFrom(...events),
        fc.dictionary(fc.constantFrom(...keysOf(events)), fc.anything()),
      )
      .map(([event, broken]) => ({ ...event, ...broken })),
  );
  fc.assert(
    fc.property(fc.array(rubbish, { maxLength: 20 }), (history) => {
      expect(judge(history as HistoryEvent[])).toHaveLength(names.length);
    }),
    { numRuns: 500 },
  );
});

test('the verdicts of a run that goes on are those of its history so far', () => {
  const { events } = new History()
    .login('alice.1')
    .whoami('alice.1', known('alice'))
    .does('logout', 'alice.1', done())
    .whoami('alice.1', known('alice'));
  const judging = startJudging(events[0] as RunHeader);
  for (const [index, event] of events.entries()) {
    judging.take(event);
    expect(judging.verdicts()).toEqual(judge(events.slice(0, index + 1)));
  }
});

test('a login that a logout everywhere overlapped may have been ended by it', () => {
  const history = new History().login('alice.1');
  const everywhere = history.begin('logout-everywhere', 'alice.1');
  history.login('alice.2');
  everywhere(done());
  history.whoami('alice.2', nobody());
  expect(history.verdict('durability').decisive).toBe(0);
});

test('after a logout everywhere of unknown outcome no session of its user is certain', () => {
  const history = new History().login('alice.1').does('logout-everywhere', 'alice.1', timeout);
  history.login('alice.2').whoami('alice.2', nobody()).login('bob.1').whoami('bob.1', nobody());
  expect(history.verdict('durability')).toMatchObject({ decisive: 1, broken: 1 });
});

test('refreshes that met may count as reuse, which ends the session', () => {
  const history = new History({ selfContained: true }).login('alice.1');
  const first = history.begin('refresh', 'alice.1');
  history.does('refresh', 'alice.1', known('alice', { set: '#new' }));
  first(nobody());
  expect(history.whoami('alice.1', nobody()).verdict('durability').decisive).toBe(0);
});

test('a credential that was replaced may name nobody, so that its logout ends nothing', () => {
  const history = new History().login('alice.1');
  history.does('refresh', 'alice.1', known('alice', { set: '#new' }));
  history.does('logout', 'alice.1', done()).whoami('alice.1', known('alice'), { cred: '#new' });
  expect(history.verdict('revocation')).toMatchObject({ outcome: 'UNKNOWN', decisive: 0 });
});

test('a self-contained credential is certain until shortly before it expires, and dead after', () => {
  const history = new History({ selfContained: true }).login('alice.1');
  const inTime = history.at(299_000).whoami('alice.1', known('alice'));
  expect(inTime.verdict('durability').decisive).toBe(1);
  expect(history.at(299_970).whoami('alice.1', nobody()).verdict('durability').broken).toBe(0);
  expect(history.at(301_000).whoami('alice.1', known('alice')).verdict('revocation').broken).toBe(
    1,
  );
});

test('a hundred thousand operations are judged in linear time', () => {
  const history = new History();
  for (let n = 0; n < 2_000; n += 1) {
    const user = `user${n % 500}`;
    const sess = `${user}.${n}`;
    history.login(sess);
    for (let k = 0; k < 47; k += 1) history.whoami(sess, known(user));
    history.does('logout', sess, done()).does('replay', sess, nobody());
  }
  const started = performance.now();
  const verdicts = judge(history.events);
  expect(performance.now() - started).toBeLessThan(5_000);
  expect(verdicts.find(({ property }) => property === 'identity')?.decisive).toBeGreaterThan(
    90_000,
  );
});

function keysOf(events: readonly HistoryEvent[]): string[] {
  return [...new Set(events.flatMap((event) => Object.keys(event)))];
}
