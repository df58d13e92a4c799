// P15 against histories written by hand.

import { expect, test } from 'vitest';
import { done, History, known, nobody, outage } from './history.ts';

test('failures in a fault, and in the second after it, are counted and excused', () => {
  const history = new History()
    .login('alice.1')
    .whoami('alice.1', nobody())
    .fault('crash', 's1', 'begin')
    .whoami('alice.1', outage)
    .fault('crash', 's1', 'end')
    .whoami('alice.1', outage)
    .at(2_000)
    .whoami('alice.1', known('alice'));
  expect(history.verdict('availability')).toMatchObject({
    outcome: 'HOLDS',
    decisive: 3,
    finding: '3 of 5 served, 2 failed in faults, back after 20 ms; outside them 0 of 3 failed',
    measures: { served: 3, invoked: 5, failedInFault: 2, recoverMs: 20, longestGapMs: 1960 },
  });
});

test('a failure without a fault is a violation', () => {
  const verdict = new History()
    .login('alice.1')
    .fault('crash', 's1', 'begin')
    .fault('crash', 's1', 'end')
    .at(1_200)
    .whoami('alice.1', outage)
    .verdict('availability');
  expect(verdict).toMatchObject({ outcome: 'VIOLATED', broken: 1, decisive: 2 });
  expect(verdict.witness).toEqual({
    events: [
      '0.040 s  fault: crash s1 ends',
      '1.210 s  whoami alice (alice.1) -> 503 store-unavailable on s1#1',
    ],
    because: 'no fault was under way, and the last had ended 1.2 s before',
  });
});

test('a fault that touched nothing excuses nothing', () => {
  const history = new History().fault('store-down', 'nothing', 'begin').login('alice.1');
  expect(history.whoami('alice.1', outage).verdict('availability').outcome).toBe('VIOLATED');
});

test('what is asked and served within a fault is measured, by server', () => {
  const on = (server: string) => known('alice', { server });
  const history = new History().login('alice.1').whoami('alice.1', on('s3#1'));
  const across = history.begin('whoami', 'alice.1');
  history.fault('slow-link', 's1', 'begin');
  across(on('s3#1'));
  const slow = history.begin('whoami', 'alice.1');
  history.whoami('alice.1', on('s2#1')).whoami('alice.1', outage);
  slow(on('s1#1'));
  const late = history.begin('whoami', 'alice.1');
  history.fault('slow-link', 's1', 'end');
  late(on('s3#1'));
  expect(history.verdict('availability').measures).toMatchObject({
    servedInFault: 2,
    serversInFault: 2,
    laggardMs: 50,
  });
});

test('latency counts from the moment the request was due', () => {
  const history = new History().login('alice.1').at(5_000);
  history.does('logout', 'alice.1', done(), { tPlan: 1_000 });
  const { p50Ms, p99Ms } = history.verdict('availability').measures;
  expect(p50Ms).toBeCloseTo(10, 0);
  expect(p99Ms).toBe(4_020);
});

test('a run that was nothing but fault decides nothing', () => {
  const history = new History().fault('pause', 's1', 'begin').login('alice.1');
  expect(history.verdict('availability')).toMatchObject({ outcome: 'UNKNOWN', decisive: 0 });
});
