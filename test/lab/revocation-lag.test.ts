// The measure of logouts, on real servers: it sees a lag where there must be one, none where there
// must be none, and planted faults for what they are.

import { mkdtempDisposable } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Lab, openLab } from '../../src/lab/lab.ts';
import { lagReport } from '../../src/lab/lag-report.ts';
import { type MeasuredName, measureLag, type Path } from '../../src/lab/revocation-lag.ts';

const room = await mkdtempDisposable(join(tmpdir(), 'sessionlab-test-lag-'));
const revokes = 60;
let lab: Lab;

beforeAll(async () => {
  lab = await openLab({ folder: room.path, bundle: true });
});

afterAll(async () => {
  await lab[Symbol.asyncDispose]();
  await room[Symbol.asyncDispose]();
});

async function measure(answer: MeasuredName, path: Path, mutant?: string) {
  const { signal } = new AbortController();
  const planted = mutant && { serverEntry: join(import.meta.dirname, '..', 'mutants', mutant) };
  const options = { servers: 3, revokes, path, seed: 'lag', signal, ...planted };
  const result = await measureLag(answer, lab, options);
  if (result === undefined) throw new Error('everything is here');
  expect(result.lagsMs).toHaveLength(revokes);
  expect(result.unanswered).toBe(0);
  return result;
}

test.concurrent('a logout is true at once with a shared store, and by expiry alone with a token', async () => {
  const [shared, token] = await Promise.all([
    measure('redis', 'healthy'),
    measure('token', 'healthy'),
  ]);
  expect(shared).toMatchObject({ late: 0, accepted: 0, verdict: 'within' });
  expect(token).toMatchObject({ verdict: 'beyond as designed' });
  expect(token.late).toBeGreaterThan(revokes / 2);
  const report = stripVTControlCharacters(
    lagReport([
      { answer: 'redis', path: 'healthy', result: shared },
      { answer: 'token', path: 'healthy', result: token },
      { answer: 'token', path: 'cut', result: 'nothing to cut' },
    ]),
  );
  expect(report).toMatch(/redis +healthy +0 +0\.00 % .*✓ within/);
  expect(report).toMatch(/token +healthy .*✗ beyond, as designed/);
  expect(report).toMatch(/token +cut +– nothing to cut/);
});

test.concurrent('a server that is cut off accepts what was called back within its bound, then nothing', async () => {
  const result = await measure('cached', 'cut');
  expect(result.verdict).toBe('within');
  expect(result.late).toBeGreaterThan(0);
  expect(result.unavailable).toBeGreaterThan(0);
});

test.concurrent.each([
  ['cookie-only-logout.ts', 'healthy'],
  ['fail-open.ts', 'cut'],
] as const)(
  'the planted fault %s is beyond every bound, with the path %s',
  async (mutant, path) => {
    const result = await measure('postgres', path, mutant);
    expect(result.verdict).toBe('beyond');
    expect(result.lagsMs.at(-1)).toBeGreaterThan(result.boundMs);
  },
);
