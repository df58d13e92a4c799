// The owner's side: finds the keeper of a folder or starts one, and holds a lease on it. A keeper
// is detached, so that Ctrl-C reaches the owner first and the keeper outlives it by the moments
// that ending the services takes. Of several keepers started at once the folder's lock lets one live.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, closeSync, mkdirSync, mkdtempSync, openSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { join, parse, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { OperatingError } from '../core/errors.ts';
import { serviceAccount, temporaryRoom } from './account.ts';
import {
  type Answer,
  type Life,
  logFile,
  type Meeting,
  meetingFile,
  type Request,
  type Services,
  type Want,
} from './protocol.ts';

export interface Ground {
  readonly folder: string;
  readonly life: Life;
}

/** Disposing waits until the keeper has let go: for the last lease, until nothing is left. */
export interface Lease extends AsyncDisposable {
  readonly services: Services;
}

/** Without a folder: a new one among the system's temporary files, removed with the last lease. */
export function groundAt(folder: string | undefined): Ground {
  const mode = serviceAccount() === undefined ? 0o700 : 0o711;
  if (folder !== undefined) {
    mkdirSync(folder, { recursive: true, mode });
    return { folder: resolve(folder), life: 'persistent' };
  }
  const made = mkdtempSync(join(temporaryRoom(), 'sessionlab-'));
  chmodSync(made, mode);
  return { folder: made, life: 'temporary' };
}

/** Resolves when all that is wanted is ready; throws OperatingError 'backing-unavailable'. */
export async function lease(ground: Ground, wants: readonly Want[]): Promise<Lease> {
  const deadline = Date.now() + 60_000;
  let keeper: ChildProcess | undefined;
  while (Date.now() < deadline) {
    const socket = await meet(ground.folder, wants);
    const answer = socket && (await answerOn(socket));
    if (answer !== undefined && 'failure' in answer) throw unavailable(ground, answer.failure);
    if (socket && answer) return leaseOn(socket, answer.services);
    if (keeper?.exitCode) break;
    if (keeper === undefined || keeper.exitCode === 0 || keeper.signalCode !== null) {
      keeper = startKeeper(ground);
    }
    await delay(10);
  }
  throw unavailable(ground, 'their keeper does not start');
}

function unavailable({ folder, life }: Ground, why: string): OperatingError {
  const seeLog = life === 'persistent' ? `; see ${join(folder, logFile)}` : '';
  return new OperatingError('backing-unavailable', {
    detail: `The private services cannot start: ${why}${seeLog}`,
  });
}

async function meet(folder: string, wants: readonly Want[]): Promise<Socket | undefined> {
  try {
    const meeting: Meeting = JSON.parse(await readFile(join(folder, meetingFile), 'utf8'));
    const socket = connect(meeting.port, '127.0.0.1');
    await once(socket, 'connect');
    const request: Request = { secret: meeting.secret, wants };
    socket.write(`${JSON.stringify(request)}\n`);
    return socket;
  } catch {
    return undefined; // No keeper, or the traces of one that was killed.
  }
}

/** undefined when the keeper was just ending. */
function answerOn(socket: Socket): Promise<Answer | undefined> {
  return new Promise((resolve) => {
    socket.on('error', () => undefined);
    createInterface(socket)
      .once('line', (line) => resolve(JSON.parse(line)))
      .once('close', () => resolve(undefined));
  });
}

function leaseOn(socket: Socket, services: Services): Lease {
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  socket.unref();
  return {
    services,
    async [Symbol.asyncDispose]() {
      socket.ref();
      socket.end();
      await closed;
    },
  };
}

function startKeeper({ folder, life }: Ground): ChildProcess {
  const program = fileURLToPath(new URL('./keeper.ts', import.meta.url));
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
