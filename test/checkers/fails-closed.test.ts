// P16 against histories written by hand.

import { expect, test } from 'vitest';
import { done, History, known, nobody, outage } from './history.ts';

const down = (history = new History().login('alice.1')) =>
  history.fault('store-down', 'store', 'begin');

test('a store outage that is refused fast, or served from what is known, holds', () => {
  const history = down()
    .whoami('alice.1', outage)
    .whoami('alice.1', known('alice'))
    .fault('store-down', 'store', 'end')
    .whoami('alice.1', nobody());
  expect(history.verdict('fails-closed')).toMatchObject({
    outcome: 'HOLDS',
    decisive: 2,
    finding:
      '1 of 2 refused fast, 1 served; p99 10 ms, slowest 10 ms; none taken for nobody, no cookie taken away',
    measures: { refusedFast: 1, served: 1, hung: 0, anonymous: 0, unchecked: 0, slowestMs: 10 },
  });
});

test('a live session that an outage makes anonymous is a violation', () => {
  const verdict = down().whoami('alice.1', nobody()).verdict('fails-closed');
  expect(verdict).toMatchObject({ outcome: 'VIOLATED', broken: 1, measures: { anonymous: 1 } });
  expect(verdict.witness).toEqual({
    events: [
      '0.010 s  login alice (alice.1) -> 200 alice on s1#1',
      '0.030 s  fault: store-down store begins',
      '0.040 s  whoami alice (alice.1) -> 401 nobody on s1#1',
    ],
    because: 'a live session was taken for nobody because its store could not be asked',
  });
});

test('an answer that takes a cookie away is a violation, and one without a time to return is counted', () => {
  const history = down().whoami('alice.1', { ...outage, status: 503, cleared: true });
  const verdict = history.verdict('fails-closed');
  const measures = { cleared: 1, refusedBare: 1, refusedFast: 0 };
  expect(verdict).toMatchObject({ outcome: 'VIOLATED', broken: 1, measures });
});

test('an ended session that is accepted unchecked is a violation', () => {
  const over = () => new History().login('alice.1').does('logout', 'alice.1', done());
  const verdict = down(over()).does('replay', 'alice.1', known('alice')).verdict('fails-closed');
  expect(verdict).toMatchObject({ outcome: 'VIOLATED', measures: { unchecked: 1 } });
  expect(verdict.witness?.events).toHaveLength(3);
});

test('the acceptance of a self-contained credential has nothing to do with the outage', () => {
  const history = new History({ selfContained: true }).login('alice.1');
  history.does('logout', 'alice.1', done());
  const verdict = down(history).does('replay', 'alice.1', known('alice')).verdict('fails-closed');
  expect(verdict).toMatchObject({ outcome: 'HOLDS', measures: { served: 1 } });
});

test('a request that hangs is a violation, whatever becomes of it', () => {
  const history = new History().login('alice.1').fault('cut-link', 's1 -> store', 'begin');
  const slow = history.begin('whoami', 'alice.1');
  history.at(2_000);
  expect(slow(outage).verdict('fails-closed')).toMatchObject({
    outcome: 'VIOLATED',
    measures: { hung: 1, slowestMs: 1970 },
  });
});

test('without an outage of the store nothing is known', () => {
  const history = new History().login('alice.1').fault('cut-link', 'gateway -> s1', 'begin');
  expect(history.whoami('alice.1', outage).verdict('fails-closed').outcome).toBe('UNKNOWN');
});
