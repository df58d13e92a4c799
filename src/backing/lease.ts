// The owner's side: finds the keeper of a folder or starts one, and holds a lease on it. A keeper
// is detached, so that Ctrl-C reaches the owner first and the keeper outlives it by the moments
// that ending the services takes. Of several keepers started at once the folder's lock lets one
// live.
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { OperatingError } from '../core/errors.ts';
import { type Ground, logTail, meetingAt, startKeeper } from './ground.ts';
import { type Answer, firstLine, type Request, type Services, type Want } from './protocol.ts';

/** Disposing waits until the keeper has let go: for the last lease, until nothing is left. */
export interface Lease extends AsyncDisposable {
  readonly services: Services;
}

/**
 * Resolves when all that is wanted is ready; throws OperatingError 'backing-unavailable'. Once it is
 * aborted it lets go of what is only starting, and rejects when that is gone.
 */
export async function lease(
  ground: Ground,
  wants: readonly Want[],
  signal?: AbortSignal,
): Promise<Lease> {
  const letGo = new Promise<Answer>((resolve) => {
    signal?.addEventListener('abort', () => resolve({ services: {} }), { once: true });
  });
  const deadline = Date.now() + 60_000;
  let keeper: ChildProcess | undefined;
  while (Date.now() < deadline) {
    const socket = await meet(ground.folder, signal?.aborted ? [] : wants);
    const answer = socket && (await Promise.race([answerOn(socket), letGo]));
    if (socket && answer) {
      const held = await leaseFrom(socket, answer, ground);
      if (signal?.aborted) await held[Symbol.asyncDispose]();
      signal?.throwIfAborted();
      return held;
    }
    if (keeper?.exitCode) break;
    if (keeper === undefined || keeper.exitCode === 0 || keeper.signalCode !== null) {
      keeper = startKeeper(ground);
    }
    await delay(10);
  }
  const log = logTail(ground.folder);
  if (ground.life === 'temporary') rmSync(ground.folder, { recursive: true, force: true });
  throw unavailable(`their keeper does not start${log}`);
}

async function leaseFrom(socket: Socket, answer: Answer, ground: Ground): Promise<Lease> {
  const isLease = 'services' in answer;
  const held = leaseOn(socket, isLease ? answer.services : {});
  if (isLease) return held;
  const log = logTail(ground.folder);
  await held[Symbol.asyncDispose]();
  throw unavailable(`${answer.failure}${log}`);
}

function unavailable(why: string): OperatingError {
  return new OperatingError('backing-unavailable', {
    detail:
      'The private PostgreSQL or Redis cannot start (DATABASE_URL and REDIS_URL can name others): ' +
      why,
  });
}

async function meet(folder: string, wants: readonly Want[]): Promise<Socket | undefined> {
  const meeting = meetingAt(folder);
  if (meeting === undefined) return undefined;
  try {
    const socket = connect(meeting.port, '127.0.0.1');
    await once(socket, 'connect');
    const request: Request = { secret: meeting.secret, wants };
    socket.write(`${JSON.stringify(request)}\n`);
    return socket;
  } catch {
    return undefined; // It was just ending.
  }
}

/** undefined when the keeper was just ending. */
async function answerOn(socket: Socket): Promise<Answer | undefined> {
  try {
    return JSON.parse(await firstLine(socket));
  } catch {
    socket.destroy();
    return undefined;
  }
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
