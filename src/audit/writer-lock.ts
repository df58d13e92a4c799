// One writer for one log. The lock is the operating system's, on a file that SQLite locks for us:
// Node has no other way to it. The kernel takes it back however the process ends, so there is
// nothing stale to find out and nothing to take over. Nothing else may open the file in this
// process: closing it would give up the lock (POSIX).

import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { OperatingError } from '../core/errors.ts';

const sqliteBusy = 5;

/** @throws OperatingError `audit-unavailable` when another writer has it */
export function lockLog(folder: string): Disposable {
  const file = new DatabaseSync(join(folder, 'lock'), { timeout: 0 });
  try {
    file.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE');
  } catch (cause) {
    file.close();
    if (!(cause instanceof Error && 'errcode' in cause && cause.errcode === sqliteBusy))
      throw cause;
    const detail =
      `Another process writes the audit log in ${folder}. Each writer needs a log of its own: ` +
      'give this one another name (REPLICA) or another folder (AUDIT_FOLDER).';
    throw new OperatingError('audit-unavailable', { detail, cause });
  }
  return { [Symbol.dispose]: () => file.isOpen && file.close() };
}
