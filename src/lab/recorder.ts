// Writes the history while it happens: one JSON line per event, in the order of events, on one
// monotonic clock that starts with the run. Whoever judges while the run goes on listens here and
// sees exactly what the file holds, so that both come to the same verdicts. Credentials enter as
// text and are written as hashes only.

import { hash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import type {
  Completion,
  FaultEvent,
  HistoryEvent,
  Invocation,
  RunHeader,
} from '../core/history.ts';

export interface Recorder extends AsyncDisposable {
  /** Milliseconds since the run started. */
  now(): number;
  /** Returns the number that the completion must carry. */
  invoke(invocation: Omit<Invocation, 't' | 'i' | 'tInv'>): number;
  complete(completion: Omit<Completion, 'tEnd'>): void;
  fault(event: Omit<FaultEvent, 't' | 'at'>): void;
  /** How many operations have completed. */
  readonly completed: number;
}

export interface RecorderOptions {
  readonly file: string;
  readonly header: RunHeader;
  /** Sees every event right after it was written. */
  readonly onEvent: (event: HistoryEvent) => void;
}

export function openRecorder({ file, header, onEvent }: RecorderOptions): Recorder {
  const stream = createWriteStream(file);
  const failed = new Promise<never>((_, reject) => stream.once('error', reject));
  failed.catch(() => undefined);
  const startedAt = performance.now();
  // Microseconds are enough, and rounding here makes the file and the listener see the same number.
  const now = () => Math.round((performance.now() - startedAt) * 1_000) / 1_000;
  let invoked = 0;
  let completed = 0;
  const write = (event: HistoryEvent) => {
    stream.write(`${JSON.stringify(event)}\n`);
    onEvent(event);
  };
  write(header);
  return {
    now,
    invoke(invocation) {
      invoked += 1;
      write({ t: 'invoke', i: invoked, ...invocation, tInv: now() });
      return invoked;
    },
    complete(completion) {
      completed += 1;
      write({ ...completion, tEnd: now() });
    },
    fault: (event) => write({ t: 'fault', ...event, at: now() }),
    get completed() {
      return completed;
    },
    async [Symbol.asyncDispose]() {
      const written = new Promise<void>((resolve) => stream.end(resolve));
      await Promise.race([written, failed]);
    },
  };
}

/** The name of a credential in a history. */
export function hashOf(credential: string): string {
  return hash('sha256', credential, 'base64url');
}
