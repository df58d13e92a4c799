// Faults of the store itself, on a real Redis with a real replica: what is undone by a failover or
// an old snapshot is seen to be undone, and what is kept apart is not. The slower rest of the
// matrix is run by name.

import { mkdtempDisposable } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Lab, openLab } from '../../src/lab/lab.ts';
import { type RunResult, runScenario } from '../../src/lab/run.ts';
import type { AnswerName } from '../../src/scenarios/scenario.ts';

const room = await mkdtempDisposable(join(tmpdir(), 'sessionlab-test-store-faults-'));
let lab: Lab;

beforeAll(async () => {
  lab = await openLab({ folder: room.path });
});

afterAll(async () => {
  await lab[Symbol.asyncDispose]();
  await room[Symbol.asyncDispose]();
});

const resurrected = ({ verdicts }: RunResult) =>
  verdicts.find(({ property }) => property === 'no-resurrection')?.measures.resurrected;

test('a failover undoes logouts that only the primary knew, and none that a replica had or a log', async () => {
  const under = (answer: AnswerName) => runScenario('failover', answer, lab, { seed: '7f3a' });
  const [naive, logged] = await Promise.all([under('redis'), under('redis-logged')]);
  expect(resurrected(naive)).toBeGreaterThan(0);
  expect(resurrected(logged)).toBe(0);
  expect(resurrected(await under('redis-wait'))).toBe(0);
});

test('what a log of endings knows stays ended though the store is restored from before', async () => {
  const result = await runScenario('store-restored', 'redis-logged', lab, { seed: '7f3a' });
  expect(resurrected(result)).toBe(0);
});
