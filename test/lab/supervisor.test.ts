// Nothing is left behind, however a lab ends, and a server that fails says why.

import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempDisposable, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, onTestFinished, test } from 'vitest';
import { openSupervisor } from '../../src/lab/supervisor.ts';

const folder = await mkdtempDisposable(join(tmpdir(), 'sessionlab-supervisor-'));
const room = folder.path;
afterAll(() => folder[Symbol.asyncDispose]());
const wholeLab = fileURLToPath(new URL('./whole-lab.ts', import.meta.url));

/** Ids of all descendants, also of those that have left the process group. */
function descendants(pid: number): number[] {
  const table = execFileSync('ps', ['-eo', 'pid=,ppid='], { encoding: 'utf8' });
  const parents = table
    .trim()
    .split('\n')
    .map((row) => row.trim().split(/\s+/).map(Number));
  const found = [pid];
  for (const parent of found) {
    found.push(...parents.filter(([, its]) => its === parent).map(([id = 0]) => id));
  }
  return found.slice(1);
}

/** A zombie is a process that has ended already, whoever has not looked yet. */
function isRunning(pid: number): boolean {
  try {
    const state = execFileSync('ps', ['-o', 'stat=', '-p', String(pid)], { encoding: 'utf8' });
    return !state.startsWith('Z');
  } catch {
    return false;
  }
}

async function startLab(): Promise<ChildProcess> {
  const lab = spawn(process.execPath, [wholeLab, room], { stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => void lab.kill('SIGKILL'));
  const [said] = await once(lab.stdout, 'data');
  expect(String(said)).toContain('everything runs');
  return lab;
}

test.each(['SIGKILL', 'SIGINT', 'SIGTERM'] as const)(
  'after %s of the lab no server, gateway or service is left, not even a paused one',
  async (signal) => {
    const lab = await startLab();
    const family = descendants(lab.pid ?? 0);
    expect(family.length).toBeGreaterThanOrEqual(4);
    lab.kill(signal);
    await once(lab, 'exit');
    await expect
      .poll(() => family.filter(isRunning), { timeout: 20_000, interval: 100 })
      .toEqual([]);
  },
);

async function program(name: string, text: string): Promise<string> {
  const file = join(room, `${name}.mjs`);
  await writeFile(file, text);
  return file;
}

const ready = `
process.on('disconnect', () => process.exit());
process.send({ t: 'ready', url: 'http://127.0.0.1:1' });`;

test('a server that fails to start says why', async () => {
  await using supervisor = openSupervisor(join(room, 'failing.log'));
  const entry = await program('failing', `console.error('no such key'); process.exit(3);`);
  const launch = supervisor.launch({ name: 's1', entry, env: process.env });
  await expect(launch).rejects.toThrow(/s1 did not start: exit status 3\n {2}no such key/);
});

test('a server that dies by itself is a finding, and one that was told to is none', async () => {
  await using supervisor = openSupervisor(join(room, 'dying.log'));
  const dying = await program('dying', `${ready} setTimeout(() => process.exit(7), 50);`);
  const lasting = await program('lasting', ready);
  await supervisor.launch({ name: 's1', entry: dying, env: process.env });
  const killed = await supervisor.launch({ name: 's2', entry: lasting, env: process.env });
  const stopped = await supervisor.launch({ name: 's3', entry: lasting, env: process.env });
  await Promise.all([killed.kill(), stopped.stop()]);
  await expect.poll(() => supervisor.findings).toEqual(['s1 died by itself: exit status 7']);
});

test('a paused server can be resumed, stopped, and ended with the rest', async () => {
  const log = join(room, 'pausing.log');
  const entry = await program('pausing', `${ready} console.log('hello');`);
  const pids: number[] = [];
  {
    await using supervisor = openSupervisor(log);
    const one = await supervisor.launch({ name: 's1', entry, env: process.env });
    const other = await supervisor.launch({ name: 's2', entry, env: process.env });
    pids.push(one.pid, other.pid);
    one.pause();
    one.resume();
    other.pause();
    await one.stop();
  }
  expect(pids.filter(isRunning)).toEqual([]);
  expect(await readFile(log, 'utf8')).toContain('s1 hello');
});
