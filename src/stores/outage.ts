// How a store says that its machine did not answer. After a read, or before anything was sent,
// nothing was done; a write that was sent and not answered may have been done, and nobody knows.
// Callers pass the foreign error along as the cause; its text is never interpreted.

import { OperatingError } from '../core/errors.ts';

export { afterTime, inTime, SharedDeadline } from '../core/deadline.ts';

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
