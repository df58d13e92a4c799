// The life of shared keys, moment by moment, without a database: whatever the rotation, one key
// signs, everybody could know it before, and nothing that it signed outlives it.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { keyStateAt, nextSignsFrom, scheduleOf } from '../../src/keys/schedule.ts';

const minute = 60_000;

test('a key is published before it signs, and verifies until its last token has run out', () => {
  const steps = fc.array(fc.integer({ min: 1, max: 10 * minute }), { minLength: 50 });
  const rotation = fc.integer({ min: 1_000, max: 30 * minute });
  fc.assert(
    fc.property(
      rotation,
      fc.integer({ min: 1, max: 5 * minute }),
      steps,
      (rotationMs, life, all) => {
        const schedule = scheduleOf(rotationMs, life);
        const keys: { publishedAt: number; signsFrom: number }[] = [];
        let now = 1_000_000;
        for (const step of all) {
          now += step;
          const signsFrom = nextSignsFrom(now, keys.at(-1)?.signsFrom, schedule);
          if (signsFrom !== undefined) keys.push({ publishedAt: now, signsFrom });
          const stateOf = (at: number, when: number) =>
            keyStateAt(when, keys[at]?.signsFrom ?? 0, keys[at + 1]?.signsFrom, schedule);
          const states = keys.map((_, at) => stateOf(at, now));
          expect(states.filter((state) => state === 'signing')).toHaveLength(1);
          const order = states.map((state) =>
            ['retired', 'verifying', 'signing', 'published'].indexOf(state),
          );
          expect(order).toEqual(order.toSorted((a, b) => a - b));
          const [previous, last] = [keys.at(-2), keys.at(-1)];
          if (previous === undefined || last === undefined) continue;
          expect(last.signsFrom - last.publishedAt).toBeGreaterThanOrEqual(schedule.leadMs);
          expect(last.signsFrom - previous.signsFrom).toBeGreaterThanOrEqual(rotationMs);
          expect(stateOf(keys.length - 2, last.signsFrom + life)).toBe('verifying');
          expect(stateOf(keys.length - 2, last.signsFrom + schedule.verifyingMs)).toBe('retired');
        }
      },
    ),
    { numRuns: 200 },
  );
});

test('servers ask at least five times before a new key signs, and every two seconds', () => {
  for (const rotationMs of [1_000, 20_000, 10 * minute, 30 * 24 * 60 * minute]) {
    const { pollMs, leadMs } = scheduleOf(rotationMs, minute);
    expect(pollMs * 5).toBeLessThanOrEqual(leadMs);
    expect(leadMs).toBeLessThanOrEqual(rotationMs / 2);
    expect(pollMs).toBeLessThanOrEqual(2_000);
  }
});
