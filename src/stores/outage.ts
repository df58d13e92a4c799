// How a store says that its machine did not answer. After a read, or before anything was sent,
// nothing was done; a write that was sent and not answered may have been done, and nobody knows.
// Callers pass the foreign error along as the cause; its text is never interpreted.

import { OperatingError } from '../core/errors.ts';

/** An ending is a write that must not be lost. */
export type Kind = 'read' | 'write' | 'ending';

const retryAfterSeconds = 1;

export function unavailable(cause?: unknown): OperatingError {
  return new OperatingError('store-unavailable', { retryAfterSeconds, cause });
}

/** For a command that was sent and not answered. */
export function unanswered(kind: Kind, cause?: unknown): OperatingError {
  if (kind === 'read') return unavailable(cause);
  return new OperatingError('store-outcome-unknown', { retryAfterSeconds, cause });
}

/**
 * Calls back after a time, but lets what has arrived meanwhile be read first: after a pause of
 * this very process its timers run before its sockets are looked at.
 */
export function afterTime(timeMs: number, late: () => void): Disposable {
  let immediate: NodeJS.Immediate | undefined;
  const timer = setTimeout(() => {
    immediate = setImmediate(late);
  }, timeMs);
  return {
    [Symbol.dispose]: () => {
      clearTimeout(timer);
      clearImmediate(immediate);
    },
  };
}

/** Rejects when the promise has not settled in time; what it does later is for nobody. */
export async function inTime<T>(
  timeMs: number,
  promise: Promise<T>,
  tooLate = () => new Error(`no answer within ${timeMs} ms`),
): Promise<T> {
  const late = Promise.withResolvers<never>();
  using _ = afterTime(timeMs, () => late.reject(tooLate()));
  return await Promise.race([promise, late.promise]);
}
