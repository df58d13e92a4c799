// One writer for one log.

import { OperatingError } from '../core/errors.ts';
import { lockForWriting } from '../core/writer-lock.ts';

/** @throws OperatingError `audit-unavailable` when another writer has it */
export function lockLog(folder: string): Disposable {
  const lock = lockForWriting(folder);
  if (lock !== undefined) return lock;
  const detail =
    `Another process writes the audit log in ${folder}. Each writer needs a log of its own: ` +
    'give this one another name (REPLICA) or another folder (AUDIT_FOLDER).';
  throw new OperatingError('audit-unavailable', { detail });
}
