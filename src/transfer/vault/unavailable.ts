// The edge to the disk: what the system says of it becomes an error of ours, once.

import { OperatingError } from '../../core/errors.ts';

const full = 'The disk is full.';
const taken = 'Something that the vault did not make is in its way.';
const details: Readonly<Record<string, string>> = {
  ...{ ENOSPC: full, EDQUOT: full, EFBIG: full },
  ...{ ENOTEMPTY: taken, EEXIST: taken, ENOTDIR: taken },
};

export function isSystemError(cause: unknown): cause is NodeJS.ErrnoException {
  return cause instanceof Error && 'code' in cause && 'syscall' in cause;
}

/** An error of the system's as `vault-unavailable`; any other as it is. */
export function asUnavailable(cause: unknown): unknown {
  if (!isSystemError(cause)) return cause;
  const detail = details[cause.code ?? ''] ?? 'The disk fails.';
  return new OperatingError('vault-unavailable', { detail, cause });
}

export async function orUnavailable<T>(work: Promise<T>): Promise<T> {
  return work.catch((cause: unknown) => {
    throw asUnavailable(cause);
  });
}
