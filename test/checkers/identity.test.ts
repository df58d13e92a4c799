// P1 against histories written by hand.

import { expect, test } from 'vitest';
import { History, known, nobody } from './history.ts';

test('answers that name the owner hold', () => {
  const history = new History()
    .login('alice.1')
    .whoami('alice.1', known('alice'))
    .does('forge', null, nobody(), { user: 'alice', cred: '#forged' })
    .does('whoami', null, nobody());
  expect(history.verdict('identity')).toMatchObject({ outcome: 'HOLDS', decisive: 4, broken: 0 });
});

test('an answer that names somebody else is a violation', () => {
  const verdict = new History()
    .login('alice.1')
    .whoami('alice.1', known('bob'))
    .verdict('identity');
  expect(verdict).toMatchObject({ outcome: 'VIOLATED', broken: 1, decisive: 2 });
  expect(verdict.witness).toEqual({
    events: [
      '0.010 s  login alice (alice.1) -> 200 alice on s1#1',
      '0.030 s  whoami alice (alice.1) -> 200 bob on s1#1',
    ],
    because: 'the presented credential was issued to alice, not to bob',
  });
});

test('a forged credential that names anybody is a violation', () => {
  const verdict = new History()
    .does('forge', null, known('alice'), { user: 'alice', cred: '#forged' })
    .verdict('identity');
  expect(verdict).toMatchObject({ outcome: 'VIOLATED', broken: 1 });
  expect(verdict.witness?.because).toMatch(/never issued/);
});

test('a bearer of nothing who is served as somebody is a violation', () => {
  const verdict = new History().does('whoami', null, known('alice')).verdict('identity');
  expect(verdict).toMatchObject({ outcome: 'VIOLATED', broken: 1 });
});

test('a credential issued to two logins is a violation before anybody uses it', () => {
  const verdict = new History().login('alice.1').login('bob.1', { set: '#alice.1' });
  expect(verdict.verdict('identity')).toMatchObject({
    outcome: 'VIOLATED',
    measures: { duplicates: 1 },
    witness: { events: [expect.stringContaining('alice.1'), expect.stringContaining('bob.1')] },
  });
});

test('without an answer that names anybody nothing is known', () => {
  const verdict = new History().whoami('alice.1', nobody()).verdict('identity');
  expect(verdict).toMatchObject({ outcome: 'UNKNOWN', decisive: 0, witness: null });
});
