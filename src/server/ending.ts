// How a server ends so that no request is dropped: it says that it is no longer ready and closes
// each connection with the answer on it, takes requests for as long as a gateway needs to notice,
// then listens no more, closes what is idle and finishes what is in flight, up to a deadline. For
// transfers of files nobody asks whether it is ready: those it turns away at once. A second signal
// does not wait.

import { setTimeout as delay } from 'node:timers/promises';
import type { TransferServer } from '../transfer/server.ts';
import type { Config } from './config.ts';
import type { App } from './parts.ts';

/** For what comes after the last answer: closing connections to stores and accounts. */
const farewellMs = 1_000;

/** Ends a server that listens. What is not finished at the deadline is broken off, and said so. */
export async function endGently(
  app: App,
  { drainMs, endDeadlineMs }: Config,
  transfer?: TransferServer,
): Promise<void> {
  app.draining = true;
  transfer?.drain();
  if (drainMs > 0) await delay(drainMs);
  const insist = setTimeout(() => {
    app.serverLog.warn({ endDeadlineMs }, 'requests in flight were broken off at the deadline');
    process.exitCode = 1;
    app.server.closeAllConnections();
    transfer?.breakOff();
  }, endDeadlineMs);
  await app.close();
  clearTimeout(insist);
}

/** SIGTERM and SIGINT end the process: in order if that is quick, and at the deadline if not. */
export function endOnSignal(
  { drainMs, endDeadlineMs }: Config,
  ...things: readonly AsyncDisposable[]
): void {
  let ending = false;
  const end = async () => {
    if (ending) process.exit(1);
    ending = true;
    setTimeout(() => process.exit(1), drainMs + endDeadlineMs + farewellMs).unref();
    for (const thing of things) await thing[Symbol.asyncDispose]();
    process.exit();
  };
  process.on('SIGTERM', end);
  process.on('SIGINT', end);
}
