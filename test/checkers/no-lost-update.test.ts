// P5 against histories written by hand.

import { expect, test } from 'vitest';
import { History, outage, showing, timeout } from './history.ts';

const apples = (val: number) => ({ key: 'apple', val });

test('a cart that shows what was put, and perhaps what may have been, holds', () => {
  const history = new History()
    .login('alice.1')
    .does('put', 'alice.1', showing('alice', { apple: 2 }), apples(2))
    .does('put', 'alice.1', timeout, apples(3))
    .does('put', 'alice.1', outage, apples(5));
  for (const apple of [2, 5]) {
    history.does('read', 'alice.1', showing('alice', { apple }));
    expect(history.verdict('no-lost-update')).toMatchObject({ outcome: 'HOLDS', decisive: 1 });
  }
});

test('an acknowledged put that an overlapping one swallowed is a violation', () => {
  const history = new History().login('alice.1');
  const slow = history.begin('put', 'alice.1', { ...apples(1), lane: 1 });
  history.does('put', 'alice.1', showing('alice', { apple: 2 }), apples(2));
  slow(showing('alice', { apple: 1 }));
  const verdict = history
    .does('read', 'alice.1', showing('alice', { apple: 1 }))
    .verdict('no-lost-update');
  expect(verdict).toMatchObject({
    outcome: 'VIOLATED',
    broken: 1,
    decisive: 1,
    finding: '1 of 1 cart items wrong; 2 of 3 units lost',
    measures: { lostUnits: 2, phantomUnits: 0, ackedUnits: 3 },
  });
  expect(verdict.witness).toEqual({
    events: [
      '0.030 s  put alice (alice.1) 1 apple -> 200 alice, cart: 1 apple on s1#1',
      '0.040 s  put alice (alice.1) 2 apple -> 200 alice, cart: 2 apple on s1#1',
      '0.070 s  read alice (alice.1) -> 200 alice, cart: 1 apple on s1#1',
    ],
    because: 'what was put adds up to 3 and no put was under way, but the cart showed 1',
  });
});

test('what nobody put there is a violation', () => {
  const verdict = new History()
    .login('alice.1')
    .does('read', 'alice.1', showing('alice', { pear: 1 }))
    .verdict('no-lost-update');
  expect(verdict).toMatchObject({ outcome: 'VIOLATED', measures: { phantomUnits: 1 } });
});

test('what a later read shows again was not lost', () => {
  const history = new History()
    .login('alice.1')
    .does('put', 'alice.1', showing('alice', { apple: 2 }), apples(2))
    .does('read', 'alice.1', showing('alice', {}));
  expect(history.verdict('no-lost-update').outcome).toBe('VIOLATED');
  history.does('read', 'alice.1', showing('alice', { apple: 2 }));
  expect(history.verdict('no-lost-update').outcome).toBe('HOLDS');
});

test('a read beside a put that is under way decides nothing', () => {
  const history = new History().login('alice.1');
  history.begin('put', 'alice.1', apples(2));
  history.does('read', 'alice.1', showing('alice', {}));
  expect(history.verdict('no-lost-update')).toMatchObject({ outcome: 'UNKNOWN', decisive: 0 });
});
