// P3 against histories written by hand.

import { expect, test } from 'vitest';
import { lifetimes } from '../../src/core/limits.ts';
import { done, History, known, nobody } from './history.ts';

test('an ended credential that is refused everywhere holds', () => {
  const history = new History()
    .login('alice.1')
    .does('logout', 'alice.1', done())
    .does('replay', 'alice.1', nobody())
    .does('replay', 'alice.1', nobody(), { to: 's2' });
  expect(history.verdict('revocation')).toMatchObject({ outcome: 'HOLDS', broken: 0, decisive: 2 });
});

test('an ended credential that is accepted is a violation, with its lag', () => {
  const verdict = new History()
    .login('alice.1')
    .does('logout', 'alice.1', done({ server: 's2#1' }))
    .at(290)
    .does('replay', 'alice.1', known('alice', { server: 's4#1' }))
    .verdict('revocation');
  expect(verdict).toMatchObject({
    outcome: 'VIOLATED',
    finding: '1 of 1 still accepted; lag median 260 ms, max 260 ms',
    measures: { accepted: 1, probes: 1, lagMedianMs: 260, lagMaxMs: 260 },
  });
  expect(verdict.witness).toEqual({
    events: [
      '0.030 s  logout alice (alice.1) -> 204 on s2#1',
      '0.300 s  replay alice (alice.1) -> 200 alice on s4#1',
    ],
    because: '(2) began 260 ms after (1) was acknowledged, and was served all the same',
  });
});

test('a logout everywhere ends what was there, and not what came later', () => {
  const history = new History()
    .login('alice.1')
    .login('alice.2')
    .does('logout-everywhere', 'alice.1', done())
    .login('alice.3')
    .whoami('alice.2', known('alice'))
    .whoami('alice.3', known('alice'));
  expect(history.verdict('revocation')).toMatchObject({ broken: 1, decisive: 1 });
});

test('a login replaces the session it came with', () => {
  const answer = known('alice', { sess: 'alice.2', set: '#alice.2' });
  const history = new History().login('alice.1').does('login', 'alice.1', answer);
  expect(history.does('replay', 'alice.1', known('alice')).verdict('revocation').broken).toBe(1);
});

test('a credential that is accepted after it must have expired is a violation', () => {
  const history = new History().login('alice.1').at(lifetimes.absoluteMs + 1_000);
  const verdict = history.whoami('alice.1', known('alice')).verdict('revocation');
  expect(verdict).toMatchObject({ outcome: 'VIOLATED', measures: { expiredAccepted: 1 } });
});

test('a logout that may have happened, or that nobody made, decides nothing', () => {
  const history = new History().login('alice.1').login('bob.1');
  history.begin('logout', 'alice.1');
  history.does('logout', 'bob.1', nobody());
  history.whoami('alice.1', known('alice')).whoami('bob.1', known('bob'));
  expect(history.verdict('revocation')).toMatchObject({ outcome: 'UNKNOWN', decisive: 0 });
});
