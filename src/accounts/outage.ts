// What errors of PostgreSQL and of the way to it mean to those who asked. A statement that the
// database refused was undone; one that it never answered may have been done. Refusals that no
// outage explains are mistakes of ours, and are passed on as they are.

import { DatabaseError } from 'pg';
import { OperatingError } from '../core/errors.ts';

const retryAfterSeconds = 1;

/** Classes of SQLSTATE (PostgreSQL, appendix A) in which the statement is not to blame. */
const outages = ['08', '25', '40', '53', '55', '57', '58', 'XX'];

export function unavailable(cause: unknown): OperatingError {
  return new OperatingError('accounts-unavailable', { retryAfterSeconds, cause });
}

export function translated(kind: 'read' | 'write', cause: unknown): unknown {
  if (cause instanceof OperatingError) return cause;
  if (!isAnswer(cause)) {
    if (kind === 'read') return unavailable(cause);
    return new OperatingError('accounts-outcome-unknown', { retryAfterSeconds, cause });
  }
  return outages.includes(cause.code?.slice(0, 2) ?? '') ? unavailable(cause) : cause;
}

/** A server that shuts down (class 57P) answers perhaps after it did the work: that is none. */
export function isAnswer(cause: unknown): cause is DatabaseError {
  return cause instanceof DatabaseError && cause.code?.startsWith('57P') !== true;
}

/** @throws what the failure of a statement means */
export async function answered<T>(kind: 'read' | 'write', asked: Promise<T>): Promise<T> {
  return asked.catch((cause: unknown) => {
    throw translated(kind, cause);
  });
}
