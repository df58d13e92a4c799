// What the tests of the audit log stand on: folders that go away, entries with numbers, and
// processes that write a log and can be killed.

import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { AuditEntry, AuditRecord } from '../../src/audit/audit-log.ts';
import { recordsOf, segmentsOf } from '../../src/audit/segments.ts';
import type { AccessLine } from '../../src/gateways/access-line.ts';

export function temporaryFolder(): Disposable & { readonly folder: string } {
  const folder = mkdtempSync(join(tmpdir(), 'sessionlab-audit-'));
  const remove = () => rmSync(folder, { recursive: true, force: true });
  return { folder, [Symbol.dispose]: remove };
}

/** A login; its number is found again as its request id. */
export function login(requestId: string | number, more: Partial<AuditEntry> = {}): AuditEntry {
  const fixed = { kind: 'login', severity: 'info', outcome: 'success', server: 's1#1' } as const;
  return {
    ...fixed,
    time: 0,
    userId: 'alice-id',
    requestId: String(requestId),
    ...more,
  } as AuditEntry;
}

export function accessLine(requestId: string, more: Partial<AccessLine> = {}): AccessLine {
  return {
    time: '2026-11-23T06:00:00.000Z',
    requestId,
    client: '192.0.2.7',
    method: 'GET',
    path: '/api/shared/',
    served: { by: 's1#1', route: '/dashboard', userId: 'alice-id', session: 'handle-1' },
    status: 200,
    complete: true,
    upstream: 's1',
    tries: 1,
    headMs: 1.5,
    durationMs: 2,
    bytes: 300,
    tls: 'TLSv1.3',
    ...more,
  };
}

export function recordsIn(folder: string): Promise<AuditRecord[]> {
  return Array.fromAsync(recordsOf(folder));
}

/** Segment by segment, line by line. */
export async function linesIn(folder: string): Promise<string[][]> {
  const segments = await segmentsOf(folder);
  return segments.map(({ file }) => readFileSync(file, 'utf8').split('\n').slice(0, -1));
}

export async function until(condition: () => boolean | Promise<boolean>, what: string) {
  const deadline = performance.now() + 20_000;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`not in time: ${what}`);
    await delay(10);
  }
}

/** Runs a program of this folder; what it sends comes to `onMessage`. */
export function start(
  program: string,
  args: readonly string[],
  onMessage: (message: unknown) => void,
): Disposable & { readonly process: ChildProcess; kill(): Promise<void> } {
  const child = fork(join(import.meta.dirname, program), [...args]);
  child.on('message', onMessage);
  const kill = () => child.kill('SIGKILL');
  process.once('exit', kill);
  return {
    process: child,
    async kill() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const ended = once(child, 'exit');
      kill();
      await ended;
    },
    [Symbol.dispose]() {
      process.off('exit', kill);
      kill();
    },
  };
}
