// One writer for one folder. The lock is the operating system's, on a file that SQLite locks for
// us: Node has no other way to it. The kernel takes it back however the process ends, so there is
// nothing stale to find out and nothing to take over. Nothing else may open the file in this
// process: closing it would give up the lock (POSIX).

import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

const sqliteBusy = 5;

/** Undefined: another writer has it. Given up by disposing, or by the end of the process. */
export function lockForWriting(folder: string): Disposable | undefined {
  const file = new DatabaseSync(join(folder, 'lock'), { timeout: 0 });
  try {
    file.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE');
  } catch (cause) {
    file.close();
    if (cause instanceof Error && 'errcode' in cause && cause.errcode === sqliteBusy) return;
    throw cause;
  }
  return { [Symbol.dispose]: () => file.isOpen && file.close() };
}
