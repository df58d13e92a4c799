// Whose turn it is to move a piece of a file: so many at once, first come, first served; and who
// has little waits for nobody who has much.

import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { Gate } from '../../src/core/gate.ts';
import { inTurn } from '../../src/transfer/vault/in-turn.ts';

test('as many are inside as the gate is wide, and who came first goes first', async () => {
  const gate = new Gate(2);
  const entered: number[] = [];
  let inside = 0;
  const visits = Array.from({ length: 50 }, (_, number) =>
    gate.pass(async () => {
      entered.push(number);
      inside += 1;
      expect(inside).toBeLessThanOrEqual(2);
      await nextTurn();
      inside -= 1;
    }),
  );
  await Promise.all(visits);
  expect(entered).toEqual([...entered.keys()]);
});

test('one that fails leaves its place to the next, and its caller hears why', async () => {
  const gate = new Gate(1);
  const failing = gate.pass(() => Promise.reject(new Error('the disk is full')));
  const next = gate.pass(async () => 'written');
  await expect(failing).rejects.toThrow('the disk is full');
  expect(await next).toBe('written');
});

test('the beginning of a file waits for no later piece of another, stuck as it may be', async () => {
  const stuck = Promise.withResolvers<void>();
  let begun = 0;
  const large = Array.from({ length: 200 }, () =>
    inTurn(16 * 1024 * 1024, () => {
      begun += 1;
      return stuck.promise;
    }),
  );
  expect(await inTurn(0, async () => 'written')).toBe('written');
  expect(begun).toBeLessThan(large.length);
  stuck.resolve();
  await Promise.all(large);
  expect(begun).toBe(large.length);
});
