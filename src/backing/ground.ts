// The folder in which a keeper and its owners meet: made here, read here, and, when a keeper was
// killed and left a temporary one behind, found here again. It holds the keeper's lock, address and
// log, and the data of the services.
import { type ChildProcess, spawn } from 'node:child_process';
import {
  accessSync,
  chmodSync,
  closeSync,
  constants,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  statSync,
} from 'node:fs';
import { join, parse, resolve } from 'node:path';
import { OperatingError } from '../core/errors.ts';
import { programPath } from '../core/program.ts';
import { serviceAccount, temporaryRoom } from './account.ts';
import { isProcess } from './process.ts';
import type { Life, Meeting } from './protocol.ts';

export interface Ground {
  readonly folder: string;
  readonly life: Life;
}

export const meetingFile = 'keeper.json';
export const logFile = 'services.log';
const prefix = 'sessionlab-';

/** Without a folder: a new one among the system's temporary files, removed with the last lease. */
export function groundAt(folder: string | undefined): Ground {
  const mode = serviceAccount() === undefined ? 0o700 : 0o711;
  if (folder !== undefined) {
    makeUsable(folder, mode);
    return { folder: resolve(folder), life: 'persistent' };
  }
  const made = mkdtempSync(join(temporaryRoom(), prefix));
  chmodSync(made, mode);
  return { folder: made, life: 'temporary' };
}

function makeUsable(folder: string, mode: number): void {
  try {
    mkdirSync(folder, { recursive: true, mode });
    accessSync(folder, constants.W_OK);
  } catch (cause) {
    const detail = `${resolve(folder)} cannot be written by this account: remove or chown it`;
    throw new OperatingError('backing-unavailable', { detail, cause });
  }
}

/** How to reach the folder's keeper; undefined when there is none, or only traces of one. */
export function meetingAt(folder: string): Meeting | undefined {
  try {
    const meeting: Meeting = JSON.parse(readFileSync(join(folder, meetingFile), 'utf8'));
    return isProcess(meeting.pid) ? meeting : undefined;
  } catch {
    return undefined;
  }
}

/** Temporary folders of ours whose keeper was killed; younger ones may be just starting. */
export function abandonedGrounds(): Ground[] {
  const room = temporaryRoom();
  return readdirSync(room)
    .filter((name) => name.startsWith(prefix))
    .map((name): Ground => ({ folder: join(room, name), life: 'temporary' }))
    .filter(({ folder }) => isAbandoned(folder));
}

function isAbandoned(folder: string): boolean {
  try {
    const { mtimeMs } = statSync(join(folder, logFile));
    const isOurs = statSync(folder).uid === (process.getuid?.() ?? 0);
    return isOurs && Date.now() - mtimeMs > 60_000 && meetingAt(folder) === undefined;
  } catch {
    return false;
  }
}

/** The end of the services' log, to say why one did not start. */
export function logTail(folder: string): string {
  try {
    const lines = readFileSync(join(folder, logFile), 'utf8').trimEnd().split('\n');
    return ['', ...lines.slice(-5)].join('\n  ');
  } catch {
    return '';
  }
}

/** Exits with 0 at once when the folder has a keeper already. */
export function startKeeper({ folder, life }: Ground): ChildProcess {
  const program = programPath('./keeper', import.meta.url);
  const log = openSync(join(folder, logFile), 'a', 0o600);
  const keeper = spawn(process.execPath, [program, folder, life], {
    cwd: parse(folder).root,
    detached: true,
    env: { ...process.env, NODE_OPTIONS: undefined },
    stdio: ['ignore', log, log],
    windowsHide: true,
  });
  closeSync(log);
  keeper.once('error', () => undefined);
  keeper.unref();
  return keeper;
}
