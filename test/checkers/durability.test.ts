// P2 against histories written by hand.

import { expect, test } from 'vitest';
import { done, History, known, nobody, outage } from './history.ts';

test('a login that is accepted until it ends is stable', () => {
  const history = new History()
    .login('alice.1')
    .whoami('alice.1', known('alice'))
    .whoami('alice.1', outage)
    .does('logout', 'alice.1', done())
    .does('replay', 'alice.1', nobody());
  expect(history.verdict('durability')).toMatchObject({
    outcome: 'HOLDS',
    finding: '1 of 1 logins stable; 0 of 1 requests refused',
    measures: { acceptance: 1, sessions: 1, stable: 1, lost: 0, flapping: 0 },
  });
});

test('a login that nobody knows any more after a crash is lost', () => {
  const verdict = new History()
    .login('alice.1')
    .whoami('alice.1', known('alice'))
    .fault('crash', 's1', 'begin')
    .whoami('alice.1', nobody({ server: 's2#1' }))
    .verdict('durability');
  expect(verdict).toMatchObject({
    outcome: 'VIOLATED',
    broken: 1,
    decisive: 1,
    finding: '1 of 1 logins lost; 50 % of requests recognised',
    measures: { lost: 1, flapping: 0, acceptance: 0.5 },
  });
  expect(verdict.witness).toEqual({
    events: [
      '0.010 s  login alice (alice.1) -> 200 alice on s1#1',
      '0.030 s  whoami alice (alice.1) -> 200 alice on s1#1',
      '0.050 s  fault: crash s1 begins',
      '0.060 s  whoami alice (alice.1) -> 401 nobody on s2#1',
    ],
    because:
      'the login had been acknowledged 40 ms before and nothing had ended it, yet the bearer was nobody',
  });
});

test('a login that is known here and unknown there is flapping', () => {
  const verdict = new History()
    .login('alice.1')
    .whoami('alice.1', nobody({ server: 's2#1' }))
    .whoami('alice.1', known('alice'))
    .login('bob.1')
    .whoami('bob.1', known('bob'))
    .verdict('durability');
  expect(verdict).toMatchObject({
    outcome: 'VIOLATED',
    broken: 1,
    decisive: 2,
    finding: '1 of 2 logins flapping; 67 % of requests recognised',
    witness: { events: { length: 3 } },
  });
});

test('a change that a live session is refused is an observation as well', () => {
  const verdict = new History().login('alice.1').does('put', 'alice.1', nobody());
  expect(verdict.verdict('durability')).toMatchObject({ outcome: 'VIOLATED', broken: 1 });
});

test('a server that was asked directly decides nothing', () => {
  const verdict = new History().login('alice.1').whoami('alice.1', nobody(), { to: 's2' });
  expect(verdict.verdict('durability')).toMatchObject({
    outcome: 'UNKNOWN',
    measures: { neverRead: 1 },
  });
});

test('without a request of a live session nothing is known', () => {
  const history = new History().login('alice.1').does('logout', 'alice.1', done());
  expect(history.whoami('alice.1', nobody()).verdict('durability').outcome).toBe('UNKNOWN');
});
