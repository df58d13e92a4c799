// P17 against histories written by hand.

import { expect, test } from 'vitest';
import { done, History, known, nobody, timeout } from './history.ts';

const s1 = { to: 's1' };
const s2 = { to: 's2' };
const onS2 = { server: 's2#1' };

test('servers that answer alike hold, for the living and the dead', () => {
  const history = new History()
    .login('alice.1')
    .login('bob.1')
    .does('logout', 'bob.1', done())
    .whoami('alice.1', known('alice'), s1)
    .whoami('alice.1', known('alice', onS2), s2)
    .does('replay', 'bob.1', nobody(), s1)
    .does('replay', 'bob.1', nobody(onS2), s2);
  expect(history.verdict('convergence')).toMatchObject({
    outcome: 'HOLDS',
    finding: '0 of 2 credentials judged differently by 2 servers',
    measures: { credentials: 2, divergent: 0, servers: 2 },
  });
});

test('servers that answer differently are a violation', () => {
  const verdict = new History()
    .login('alice.1')
    .whoami('alice.1', known('alice'), s1)
    .whoami('alice.1', nobody(onS2), s2)
    .verdict('convergence');
  expect(verdict).toMatchObject({ outcome: 'VIOLATED', broken: 1, decisive: 1 });
  expect(verdict.witness).toEqual({
    events: [
      '0.010 s  login alice (alice.1) -> 200 alice on s1#1',
      '0.030 s  whoami alice (alice.1) asking s1 -> 200 alice on s1#1',
      '0.050 s  whoami alice (alice.1) asking s2 -> 401 nobody on s2#1',
    ],
    because:
      's1 and s2 were shown the same credential after the last change, and answered differently',
  });
});

test('what was answered before the last change or fault does not count', () => {
  const history = new History().login('alice.1').whoami('alice.1', known('alice'), s1);
  history.does('logout', 'alice.1', done()).whoami('alice.1', nobody(onS2), s2);
  expect(history.verdict('convergence').outcome).toBe('UNKNOWN');
  history.whoami('alice.1', nobody(), s1).fault('crash', 's1', 'begin');
  expect(history.fault('crash', 's1', 'end').verdict('convergence').outcome).toBe('UNKNOWN');
});

test('a session that may be ending meanwhile decides nothing', () => {
  const history = new History().login('alice.1').does('logout', 'alice.1', timeout);
  history.whoami('alice.1', known('alice'), s1).whoami('alice.1', nobody(onS2), s2);
  expect(history.verdict('convergence')).toMatchObject({ outcome: 'UNKNOWN', decisive: 0 });
});
