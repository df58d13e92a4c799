// Experiments side by side are compared second by second: none begins before all can.

import { expect, test } from 'vitest';
import { startingPlaces } from '../../src/api/starting-line.ts';

test('nobody begins before all are ready or have given up', async () => {
  const [first, second, third] = startingPlaces(3);
  const begun: string[] = [];
  const one = first?.untilAllAreReady().then(() => begun.push('first'));
  const other = second?.untilAllAreReady().then(() => begun.push('second'));
  await new Promise(setImmediate);
  expect(begun).toEqual([]);
  third?.[Symbol.dispose]();
  await Promise.all([one, other]);
  expect(begun).toEqual(['first', 'second']);
  first?.[Symbol.dispose]();
});
