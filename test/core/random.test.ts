// Plans come from seeds.

import { expect, test } from 'vitest';
import { seededRandom } from '../../src/core/random.ts';

const draw = (seed: string) => {
  const random = seededRandom(seed);
  return Array.from({ length: 20 }, () => random.below(1_000));
};

test('one seed gives one sequence, another seed another', () => {
  expect(draw('7f3a')).toEqual(draw('7f3a'));
  expect(draw('7f3a')).not.toEqual(draw('7f3b'));
});

test('a fork is independent of what is drawn beside it', () => {
  const one = seededRandom('s');
  const two = seededRandom('s');
  two.next();
  expect(one.fork('users').next()).toBe(two.fork('users').next());
});

test('numbers below a bound cover it evenly', () => {
  const random = seededRandom('even');
  const counts = new Array<number>(10).fill(0);
  for (let index = 0; index < 10_000; index += 1) {
    const digit = random.below(10);
    counts[digit] = (counts[digit] ?? 0) + 1;
  }
  for (const count of counts) expect(Math.abs(count - 1_000)).toBeLessThan(150);
});
