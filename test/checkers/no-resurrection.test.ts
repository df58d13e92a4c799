// P3r against histories written by hand.

import { expect, test } from 'vitest';
import { done, History, known, nobody } from './history.ts';

const ended = () => new History().login('alice.1').does('logout', 'alice.1', done());

test('a session that stays refused holds', () => {
  const history = ended().does('replay', 'alice.1', nobody()).does('replay', 'alice.1', nobody());
  expect(history.verdict('no-resurrection')).toMatchObject({ outcome: 'HOLDS', decisive: 1 });
});

test('a session that is accepted after it was refused is a violation', () => {
  const verdict = ended()
    .does('replay', 'alice.1', nobody())
    .does('replay', 'alice.1', known('alice'))
    .does('replay', 'alice.1', known('alice'))
    .verdict('no-resurrection');
  expect(verdict).toMatchObject({ outcome: 'VIOLATED', broken: 1, measures: { resurrected: 1 } });
  expect(verdict.witness).toEqual({
    events: [
      '0.030 s  logout alice (alice.1) -> 204 on s1#1',
      '0.050 s  replay alice (alice.1) -> 401 nobody on s1#1',
      '0.070 s  replay alice (alice.1) -> 200 alice on s1#1',
    ],
    because: 'the session had ended and been refused, and was accepted again 10 ms later',
  });
});

test('answers that overlap do not say which came first', () => {
  const history = ended();
  const slow = history.begin('replay', 'alice.1');
  history.does('replay', 'alice.1', nobody());
  expect(slow(known('alice')).verdict('no-resurrection').outcome).toBe('UNKNOWN');
});

test('a session that flaps before its end is no resurrection', () => {
  const history = new History().login('alice.1').whoami('alice.1', nobody());
  expect(history.whoami('alice.1', known('alice')).verdict('no-resurrection').outcome).toBe(
    'UNKNOWN',
  );
});
