// The edge to the disk: what the system says of it becomes an error of ours, once.

import { OperatingError } from '../../core/errors.ts';

const full = new Set(['ENOSPC', 'EDQUOT', 'EFBIG']);

export function isSystemError(cause: unknown): cause is NodeJS.ErrnoException {
  return cause instanceof Error && 'code' in cause && 'syscall' in cause;
}

/** An error of the system's as `vault-unavailable`; any other as it is. */
export function asUnavailable(cause: unknown): unknown {
  if (!isSystemError(cause)) return cause;
  const detail = full.has(String(cause.code)) ? 'The disk is full.' : 'The disk fails.';
  return new OperatingError('vault-unavailable', { detail, cause });
}

export async function orUnavailable<T>(work: Promise<T>): Promise<T> {
  return work.catch((cause: unknown) => {
    throw asUnavailable(cause);
  });
}
