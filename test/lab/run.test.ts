// Whole runs with real servers: the key insight as a measurement, and what a run leaves behind.

import { mkdtempDisposable, readdir, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { judge } from '../../src/checkers/engine.ts';
import type { HistoryEvent } from '../../src/core/history.ts';
import type { PropertyName } from '../../src/core/verdict.ts';
import { type Lab, openLab } from '../../src/lab/lab.ts';
import { type Progress, type RunResult, runScenario } from '../../src/lab/run.ts';

const seed = '7f3a';
const room = await mkdtempDisposable(join(tmpdir(), 'sessionlab-test-runs-'));
let lab: Lab;

beforeAll(async () => {
  lab = await openLab({ folder: room.path });
});

afterAll(async () => {
  await lab[Symbol.asyncDispose]();
  await room[Symbol.asyncDispose]();
});

function verdict(result: RunResult, property: PropertyName) {
  const found = result.verdicts.find((each) => each.property === property);
  expect(found).toBeDefined();
  return found;
}

async function history(result: RunResult): Promise<HistoryEvent[]> {
  const text = await readFile(join(result.folder, 'history.ndjson'), 'utf8');
  return text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
}

test('memory flaps on two servers in turn, and the same users are safe with affinity', async () => {
  const [inTurn, sticky] = await Promise.all([
    runScenario('two-servers', 'memory', lab, { seed }),
    runScenario('two-servers-sticky', 'memory', lab, { seed }),
  ]);
  expect(inTurn.surprises).toEqual([]);
  expect(verdict(inTurn, 'durability')?.outcome).toBe('VIOLATED');
  expect(verdict(inTurn, 'durability')?.measures.acceptance).toBeGreaterThan(0.35);
  expect(verdict(inTurn, 'durability')?.measures.acceptance).toBeLessThan(0.65);
  expect(verdict(inTurn, 'durability')?.witness?.events.length).toBeGreaterThan(1);
  expect(sticky.surprises).toEqual([]);
  expect(verdict(sticky, 'durability')?.outcome).toBe('HOLDS');
});

test('a store that both servers share keeps everybody, and the file tells the same as the run', async () => {
  const result = await runScenario('two-tabs', 'postgres', lab, { seed });
  expect([...result.surprises, ...result.missing]).toEqual([]);
  const events = await history(result);
  expect(events[0]?.t).toBe('run');
  expect(judge(events)).toEqual(result.verdicts);
  const kept = JSON.parse(await readFile(join(result.folder, 'verdicts.json'), 'utf8'));
  expect(kept.verdicts).toEqual(result.verdicts);
});

test('a crash is begun and cured in the history, by a new incarnation, and no credential is in any file', async () => {
  const told: Progress[] = [];
  const result = await runScenario('sticky-server-crash', 'token', lab, {
    seed,
    onProgress: (progress) => told.push(progress),
  });
  expect([...result.surprises, ...result.missing]).toEqual([]);
  const events = await history(result);
  const faults = events.filter((event) => event.t === 'fault');
  expect(faults.map(({ kind, target, phase }) => [kind, target, phase])).toEqual([
    ['crash', 's1', 'begin'],
    ['crash', 's1', 'end'],
  ]);
  const servers = new Set(events.flatMap((event) => ('server' in event ? event.server : [])));
  expect(servers).toContain('s1#2');
  expect([...new Set(told.map(({ phase }) => phase))]).toEqual([
    'starting',
    'working',
    'healing',
    'judging',
    'done',
  ]);
  expect(told.at(-1)?.operations).toBeGreaterThanOrEqual(told.at(-1)?.planned ?? 0);
  for (const file of await readdir(result.folder)) {
    const text = await readFile(join(result.folder, file), 'utf8');
    expect(text, file).not.toContain(lab.password);
    expect(text, file).not.toMatch(/eyJ[\w-]+\.[\w-]+\.|[\w-]{36}\.[\w-]{43}/);
  }
});

test('an aborted run rejects with the reason it was given', async () => {
  const controller = new AbortController();
  const run = runScenario('two-servers', 'memory', lab, {
    seed,
    signal: controller.signal,
    onProgress: ({ operations }) => {
      if (operations === 20) controller.abort(new Error('enough'));
    },
  });
  await expect(run).rejects.toThrow('enough');
});
