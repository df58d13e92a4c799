// Under which account a database server runs. PostgreSQL refuses to run as root, so a root owner
// (containers, CI) hands the services to `nobody`, who must then be able to reach the folders they
// use. Everyone else, and Windows, runs them as themselves.
import { readFileSync, realpathSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname } from 'node:path';

export interface Account {
  readonly uid: number;
  readonly gid: number;
}

const fallback: Account = { uid: 65534, gid: 65534 };

/** The account to spawn services with; undefined means the present one. */
export function serviceAccount(): Account | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const nobody = readFileSync('/etc/passwd', 'utf8').match(/^nobody:[^:]*:(\d+):(\d+):/m);
  return nobody ? { uid: Number(nobody[1]), gid: Number(nobody[2]) } : fallback;
}

/** Whether the account may traverse (or, for a program, execute) the path and all above it. */
export function isReachable(path: string, account: Account | undefined): boolean {
  if (account === undefined) return true;
  for (let at = realpathSync(path); ; at = dirname(at)) {
    const { mode, uid, gid } = statSync(at);
    const shift = uid === account.uid ? 6 : gid === account.gid ? 3 : 0;
    if (((mode >> shift) & 1) === 0) return false;
    if (dirname(at) === at) return true;
  }
}

/** A folder for temporary data that the services can reach too. */
export function temporaryRoom(): string {
  const account = serviceAccount();
  return isReachable(tmpdir(), account) ? tmpdir() : '/tmp';
}
