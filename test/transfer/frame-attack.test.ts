// What `npm run fuzz:transfer` does a million times, a hundred thousand times. Here the seed is
// always the same; the tool takes another each time.

import { expect, test } from 'vitest';
import { attack } from './frame-attack.ts';
import { mutations } from './frame-mutations.ts';
import { socketAttack } from './socket-attack.ts';

const mebibyte = 1024 ** 2;

test('100,000 malformed streams crash nothing, are never taken, and leave no memory behind', {
  timeout: 180_000,
}, () => {
  const result = attack(100_000, 'monday');
  expect(result.wrong).toEqual([]);
  expect(result.malformed).toBe(100_000);
  expect(Object.keys(result.byFamily).toSorted()).toEqual(Object.keys(mutations).toSorted());
  expect(Object.keys(result.byOutcome).toSorted()).toEqual([
    ...['cut', 'malformed-frame', 'unsupported-version', 'upload-conflict'],
  ]);
  expect(result.grownBytes).toBeLessThan(16 * mebibyte);
});

test('a real server tells each of 2,000 attackers so in time, and its vault stays whole', {
  timeout: 180_000,
}, async () => {
  const result = await socketAttack(2_000, 'monday');
  expect(result.wrong).toEqual([]);
  expect(result.connections).toBe(2_000);
  expect(result.filesStored).toBeGreaterThan(0);
  expect(result.grownBytes).toBeLessThan(16 * mebibyte);
});
