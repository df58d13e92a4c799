// What PostgreSQL and Redis have in common as processes of the keeper: a free port, a readiness
// condition, and an ending that asks politely first and insists after a while.
import { execFile } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';

export const run = promisify(execFile);

export interface Running {
  readonly url: string;
  /** For people: 'PostgreSQL 18 (embedded)'. */
  readonly origin: string;
  readonly pid: number;
  stop(): Promise<void>;
  /** False once the process has ended, whoever ended it. */
  isAlive(): boolean;
}

/**
 * A port that was free a moment ago: whoever uses it must be ready for a clash. It is none of those
 * that systems give to whoever asks for any, so it stays free while its owner is away.
 */
export async function freePort(): Promise<number> {
  for (let attempt = 1; attempt <= 100; attempt += 1) {
    const port = 10_000 + randomInt(20_000);
    const server = createServer().listen(port, '127.0.0.1');
    const isFree = await once(server, 'listening').then(
      () => true,
      () => false,
    );
    if (!isFree) continue;
    server.close();
    await once(server, 'close');
    return port;
  }
  throw new Error('no port is free');
}

/** Polls until the condition holds; false when the deadline passes first. */
export async function until(
  condition: () => boolean | Promise<boolean>,
  timeoutMs: number,
): Promise<boolean> {
  const deadline = Date.now() + timeoutMs;
  while (!(await condition())) {
    if (Date.now() > deadline) return false;
    await delay(10);
  }
  return true;
}

/** Sends each signal in turn, with patience after each, until the process is gone. */
export async function end(
  pid: number,
  isAlive: () => boolean,
  signals: readonly NodeJS.Signals[],
): Promise<void> {
  for (const signal of signals) {
    if (!isAlive()) return;
    try {
      process.kill(pid, signal);
    } catch {
      // It ended between the look and the signal.
    }
    if (await until(() => !isAlive(), 5_000)) return;
  }
}

/** Whether a process of that id exists and is one that we may signal. */
export function isProcess(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
