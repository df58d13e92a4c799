// The command line as a process of its own: what it says, how it ends, and what is left of it. Its
// temporary files and recordings go to a room that belongs to one test, so that whatever is found
// there afterwards, or still runs and names it, was left behind by that command.

import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { chmod, glob, mkdir, mkdtempDisposable } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished } from 'vitest';

const main = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));

/** Whether util-linux's `script` is here, which runs a command on a terminal. */
export const hasTerminal = /util-linux/.test(spawnSync('script', ['--version']).stdout?.toString());

/** Every process as its id, its parent's, its state and its command line. */
function processes() {
  const table = execFileSync('ps', ['-ww', '-eo', 'pid=,ppid=,stat=,args='], { encoding: 'utf8' });
  return [...table.matchAll(/^\s*(\d+)\s+(\d+)\s+(\S+)\s+(.*)$/gm)]
    .map(([, pid, parent, state = '', args = '']) => {
      return { pid: Number(pid), parent: Number(parent), state, args };
    })
    .filter(({ state }) => !state.startsWith('Z'));
}

function descendants(pid: number) {
  const all = processes();
  const found = all.filter((each) => each.parent === pid);
  for (const { pid: id } of found) found.push(...all.filter(({ parent }) => parent === id));
  return found;
}

export class Command {
  stdout = '';
  stderr = '';
  readonly process: ChildProcess;
  readonly #ended: Promise<number | NodeJS.Signals | null>;

  constructor(program: string, args: readonly string[], env: NodeJS.ProcessEnv) {
    this.process = spawn(program, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
    this.process.stdout?.setEncoding('utf8').on('data', (text) => (this.stdout += text));
    this.process.stderr?.setEncoding('utf8').on('data', (text) => (this.stderr += text));
    this.#ended = new Promise((resolve) =>
      this.process.once('close', (code, signal) => resolve(code ?? signal)),
    );
    onTestFinished(() => {
      if (this.process.exitCode !== null || this.process.signalCode !== null) return;
      const family = this.family().map(({ pid }) => String(pid));
      spawnSync('kill', ['-9', String(this.process.pid), ...family]);
    });
  }

  /** Its exit code, or the signal that it died of. */
  async ended(withinMs = 20_000): Promise<number | NodeJS.Signals | null> {
    const late = AbortSignal.timeout(withinMs);
    const tooLate = new Promise<never>((_, reject) => {
      late.addEventListener('abort', () => {
        reject(new Error(`It still runs after ${withinMs} ms:\n${this.stdout}${this.stderr}`));
      });
    });
    return await Promise.race([this.#ended, tooLate]);
  }

  async says(text: string | RegExp): Promise<void> {
    const said = () => this.stdout + this.stderr;
    await expect.poll(said, { timeout: 60_000, interval: 20 }).toMatch(text);
  }

  family() {
    return descendants(this.process.pid ?? 0);
  }
}

export interface Room extends AsyncDisposable {
  readonly results: string;
  run(args: readonly string[], env?: NodeJS.ProcessEnv): Command;
  runOnTerminal(args: readonly string[], env?: NodeJS.ProcessEnv): Command;
  /** What has been recorded so far. */
  histories(): Promise<string[]>;
  /** Folders of services, and processes that work in this room. */
  remains(): Promise<string[]>;
}

export async function openRoom(): Promise<Room> {
  const folder = await mkdtempDisposable(join(tmpdir(), 'lab-cli-'));
  const [temporary, results] = [join(folder.path, 'tmp'), join(folder.path, 'results')];
  await mkdir(temporary);
  for (const path of [folder.path, temporary]) await chmod(path, 0o711);
  const here = {
    ...process.env,
    TMPDIR: temporary,
    NODE_OPTIONS: undefined,
    FORCE_COLOR: undefined,
    NO_COLOR: undefined,
    TERM: 'xterm',
  };
  return {
    results,
    run: (args, env) => new Command(process.execPath, [main, ...args], { ...here, ...env }),
    runOnTerminal: (args, env) => {
      const line = [process.execPath, main, ...args].map((word) => `'${word}'`).join(' ');
      return new Command('script', ['-qec', line, '/dev/null'], { ...here, ...env });
    },
    histories: () => Array.fromAsync(glob(join(results, '**', 'history.ndjson'))),
    async remains() {
      const left = await Array.fromAsync(glob(join(temporary, 'sessionlab-*')));
      const running = processes().filter(({ args }) => args.includes(folder.path));
      return [...left, ...running.map(({ args }) => args)];
    },
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}

/** Processes of a family that still run. */
export function alive(family: readonly { pid: number }[]): string[] {
  const ids = new Set(family.map(({ pid }) => pid));
  return processes()
    .filter(({ pid }) => ids.has(pid))
    .map(({ args }) => args);
}
