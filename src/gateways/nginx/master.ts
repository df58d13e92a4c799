// A real nginx, in the foreground, in a group of processes of its own. What it is doing is known
// from what it says to its standard error: that a worker was started, that one takes no more
// connections, that a configuration cannot be used. It ends with this process however that ends,
// SIGKILL included: a shell waits for the end of a pipe, and clears up.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { nginxProgram } from './program.ts';

export const configurationFile = 'nginx.conf';

const START_TIMEOUT_MS = 10_000;
const RELOAD_TIMEOUT_MS = 10_000;

/** Reads a line when all is well, and the end of the pipe when its writer has died. */
const WATCH = `read -r _ && exit
kill -s TERM -- "-$1" 2>/dev/null
sleep 1
kill -s KILL -- "-$1" 2>/dev/null
rm -rf -- "$2"`;

/** It cannot do what it was told; the message is nginx's own, and has no words of clients in it. */
class NginxRefusal extends Error {
  override readonly name = 'NginxRefusal';
}

export class NginxMaster {
  readonly #process: ChildProcess;
  readonly #watcher: ChildProcess;
  /** Workers that take new connections. */
  readonly #accepting = new Set<number>();
  readonly #listeners = new Set<(refusal: string | undefined) => void>();
  /** Settles when nginx has ended. */
  readonly ended: Promise<void>;

  /** @throws NginxRefusal when it does not serve. */
  static async start(folder: string): Promise<NginxMaster> {
    const master = new NginxMaster(folder);
    try {
      await master.#until(() => master.#accepting.size > 0, START_TIMEOUT_MS);
      return master;
    } catch (error) {
      await master.stop();
      throw error;
    }
  }

  private constructor(folder: string) {
    const args = ['-p', folder, '-c', join(folder, configurationFile), '-e', 'stderr'];
    // Of the environment it needs nothing but the way to what OpenSSL may read.
    const env = { PATH: process.env.PATH, HOME: process.env.HOME, TZ: 'UTC' };
    const options = { cwd: folder, env, detached: true } as const;
    this.#process = spawn(nginxProgram() ?? 'nginx', args, {
      ...options,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    this.#watcher = spawn('/bin/sh', ['-c', WATCH, 'sh', String(this.#process.pid), folder], {
      ...{ ...options, cwd: '/' },
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    this.#watcher.stdin?.on('error', () => undefined);
    const { stderr } = this.#process;
    if (stderr) createInterface(stderr).on('line', (line) => this.#heard(line));
    this.ended = once(this.#process, 'close').then(
      () => this.#changed('nginx has ended'),
      (error: Error) => this.#changed(`nginx cannot be run: ${error.message}`),
    );
  }

  /** Resolves when no worker with the old configuration takes a connection any more. */
  async reload(): Promise<void> {
    const old = new Set(this.#accepting);
    const isDone = () => {
      return this.#accepting.size > 0 && ![...this.#accepting].some((pid) => old.has(pid));
    };
    this.#process.kill('SIGHUP');
    await this.#until(isDone, RELOAD_TIMEOUT_MS);
    // Old workers, too, have lines to write. Those of root's nginx cannot open a file of root's.
    if (process.getuid?.() !== 0) this.#process.kill('SIGUSR1');
  }

  /** Lets what is in flight finish, for so long. */
  async stop(drainMs = 0): Promise<void> {
    for (const signal of ['SIGQUIT', 'SIGTERM', 'SIGKILL'] as const) {
      if (this.#hasEnded) break;
      if (signal === 'SIGQUIT') this.#process.kill(signal);
      else this.#killGroup(signal);
      await Promise.race([this.ended, delay(signal === 'SIGQUIT' ? drainMs : 1_000)]);
    }
    // Workers outlive a master that was killed.
    this.#killGroup('SIGKILL');
    this.#watcher.stdin?.end('ended\n');
  }

  get #hasEnded(): boolean {
    const { pid, exitCode, signalCode } = this.#process;
    return pid === undefined || exitCode !== null || signalCode !== null;
  }

  #killGroup(signal: NodeJS.Signals): void {
    const { pid } = this.#process;
    if (pid === undefined) return;
    try {
      process.kill(-pid, signal);
    } catch {
      // Nobody is left in it.
    }
  }

  #heard(line: string): void {
    const [, level = '', pid, text = ''] = /\[(\w+)\] (?:(\d+)#\d+: )?(.*)$/.exec(line) ?? [];
    const isFailure = ['emerg', 'alert', 'crit'].includes(level);
    // Why it does not start is told to whoever starts it.
    if (isFailure && this.#accepting.size > 0) console.error(`nginx: ${text}`);
    const started = /^start worker process (\d+)/.exec(text)?.[1];
    const exited = /^worker process (\d+) exited/.exec(text)?.[1];
    if (started !== undefined) this.#accepting.add(Number(started));
    if (exited !== undefined) this.#accepting.delete(Number(exited));
    if (text.startsWith('gracefully shutting down')) this.#accepting.delete(Number(pid));
    this.#changed(level === 'emerg' ? text : undefined);
  }

  #changed(refusal: string | undefined): void {
    for (const listener of this.#listeners) listener(refusal);
  }

  async #until(isSo: () => boolean, timeoutMs: number): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const listener = (refusal: string | undefined) => {
      if (refusal !== undefined) reject(new NginxRefusal(refusal));
      else if (isSo()) resolve();
    };
    const tooLate = () => reject(new NginxRefusal(`nginx said nothing for ${timeoutMs} ms`));
    const timer = setTimeout(tooLate, timeoutMs);
    this.#listeners.add(listener);
    try {
      if (this.#hasEnded) tooLate();
      await promise;
    } finally {
      clearTimeout(timer);
      this.#listeners.delete(listener);
    }
  }
}
