// The arithmetic of fields and clocks.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { touchIntervalMs } from '../../src/core/limits.ts';
import { applyChanges, expiresAt, type FieldChange } from '../../src/core/session.ts';

test('changes touch the fields they name and no other', () => {
  const before = { theme: 'dark', 'cart.apple': 1 };
  const after = applyChanges(before, [
    { op: 'increment', field: 'cart.apple', by: 2 },
    { op: 'set', field: 'language', value: 'de' },
  ]);
  expect(after).toEqual({ theme: 'dark', 'cart.apple': 3, language: 'de' });
  expect(before).toEqual({ theme: 'dark', 'cart.apple': 1 });
});

test('increments commute', () => {
  const increment = fc.record({
    op: fc.constant('increment' as const),
    field: fc.constantFrom('a', 'b', '__proto__'),
    by: fc.integer({ min: -50, max: 50 }),
  });
  fc.assert(
    fc.property(fc.array(increment), (changes: FieldChange[]) => {
      const forward = applyChanges({}, changes);
      const backward = applyChanges({}, changes.toReversed());
      for (const field of ['a', 'b']) expect(forward[field]).toBe(backward[field]);
    }),
  );
});

test('a field named like a prototype is an ordinary field', () => {
  const after = applyChanges({}, [{ op: 'set', field: '__proto__', value: 'mine' }]);
  expect(Object.entries(after)).toEqual([['__proto__', 'mine']]);
});

test('a session ends at the earlier of its two limits', () => {
  expect(expiresAt({ absoluteExpiresAt: 10, idleExpiresAt: 20 })).toBe(10);
  expect(expiresAt({ absoluteExpiresAt: 30, idleExpiresAt: 20 })).toBe(20);
});

test('a touch is written at most once a minute, and ten times within a short idle limit', () => {
  expect(touchIntervalMs(30 * 60_000)).toBe(60_000);
  expect(touchIntervalMs(1_000)).toBe(100);
});
