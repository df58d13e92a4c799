// Schemas: what fields mean, how changes of one field meet, and the way from version to version.

import fc from 'fast-check';
import { expect, expectTypeOf, test } from 'vitest';
import { applyChanges, type FieldChange, type Fields } from '../../src/core/session.ts';
import {
  compareAndSet,
  counters,
  defineSession,
  difference,
  lastWriter,
  set,
  upcast,
} from '../../src/core/session-schema.ts';

const shop = defineSession({
  version: 2,
  fields: {
    theme: lastWriter<'light' | 'dark'>(),
    cart: counters(),
    visited: set(),
    coupon: compareAndSet<string>(),
  },
  upcasters: {
    0: ({ colour = null, ...rest }) => ({ ...rest, theme: colour }),
    1: (fields) => ({ ...fields, 'cart.apple': 1 }),
  },
});
const { theme, cart, visited, coupon } = shop.change;

const after = (changes: readonly FieldChange[], before: Fields = {}) =>
  shop.read(applyChanges(before, changes));

test('an application reads what it wrote, in its own types', () => {
  const read = after([
    theme.set('dark'),
    cart.add('apple', 2),
    cart.add('pear', 1),
    cart.remove('pear'),
    visited.add('home'),
    visited.add('help'),
    visited.remove('home'),
    ...coupon.swap((before) => `${before ?? 'first'}!`)({}),
  ]);
  expect(read).toEqual({
    theme: 'dark',
    cart: { apple: 2 },
    visited: new Set(['help']),
    coupon: 'first!',
  });
  expect(after([theme.remove(), ...coupon.swap(() => undefined)({ coupon: 'x' })])).toEqual({
    ...{ theme: undefined, cart: {}, visited: new Set(), coupon: undefined },
  });
  expectTypeOf(read.theme).toEqualTypeOf<'light' | 'dark' | undefined>();
  expectTypeOf(read.cart).toEqualTypeOf<Readonly<Record<string, number>>>();
  expectTypeOf(cart.add).parameters.toEqualTypeOf<[string, number]>();
});

test('of two changes of one field, counters and sets keep both, a value the last', () => {
  const [one, other] = [
    [theme.set('dark'), cart.add('apple', 1), visited.add('home')],
    [theme.set('light'), cart.add('apple', 2), visited.add('help')],
  ];
  const both = { cart: { apple: 3 }, visited: new Set(['home', 'help']), coupon: undefined };
  expect(after([...one, ...other])).toEqual({ theme: 'light', ...both });
  expect(after([...other, ...one])).toEqual({ theme: 'dark', ...both });
});

test('a key of any name is only a key', () => {
  fc.assert(
    fc.property(fc.string(), (key) => {
      const read = after([cart.add(key, 1), visited.add(key)]);
      expect(Object.entries(read.cart)).toEqual([[key, 1]]);
      expect([...read.visited]).toEqual([key]);
    }),
  );
  const { cart: odd } = after([cart.add('__proto__', 1)]);
  expect(Object.getPrototypeOf(odd)).toBe(Object.prototype);
});

test('fields are brought up version by version, and from nowhere else', () => {
  const newest = { theme: 'dark', 'cart.apple': 1, kept: true };
  expect(upcast(shop, 0, { colour: 'dark', kept: true })).toEqual(newest);
  expect(upcast(shop, 1, { theme: 'dark', kept: true })).toEqual(newest);
  expect(upcast(shop, 2, newest)).toEqual(newest);
  expect(upcast(shop, 3, newest)).toBeUndefined();
  expect(upcast({ ...shop, upcasters: {} }, 1, {})).toBeUndefined();
});

test('the difference of two states is the changes between them', () => {
  const fields = fc.dictionary(fc.string(), fc.oneof(fc.integer(), fc.string(), fc.boolean()));
  fc.assert(
    fc.property(fields, fields, (one, other) => {
      expect({ ...applyChanges(one, difference(one, other)) }).toEqual({ ...other });
      expect(difference(one, one)).toEqual([]);
    }),
  );
});
