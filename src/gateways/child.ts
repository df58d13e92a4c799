// A gateway as its parent sees it: a process of its own, so that it shares neither the event loop
// nor the fate of the parent. This side starts it, tells it the route and ends it.

import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { getCompileCacheDir } from 'node:module';
import { OperatingError } from '../core/errors.ts';
import { drainMs } from './border.ts';
import type { GatewayOptions, RunningGateway } from './gateway.ts';
import type { FromGateway, ToGateway } from './orders.ts';

/** How long it may take to end, besides waiting for what is in flight. */
const STOP_DEADLINE_MS = 2_500;

/** @throws OperatingError `gateway-unavailable` when it cannot start. */
export async function startProcess(
  program: string,
  options: GatewayOptions,
): Promise<RunningGateway> {
  const child = launch(program);
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const dispose = () => stop(child, drainMs(options) + STOP_DEADLINE_MS);
  let orders = 0;
  const order = async (make: (id: number) => ToGateway) => {
    const id = ++orders;
    const done = answer(child, (message) => message.t === 'done' && message.id === id, id);
    tell(child, make(id));
    await done;
  };
  try {
    const started = answer(child, (message) => message.t === 'ready', undefined);
    tell(child, { t: 'start', options });
    const ready = await started;
    const { port, tlsPort } = ready.t === 'ready' ? ready : { port: 0, tlsPort: undefined };
    return {
      url: `http://127.0.0.1:${port}`,
      ...(tlsPort !== undefined && { tlsUrl: `https://127.0.0.1:${tlsPort}` }),
      pid: child.pid as number,
      route: (group, upstreams) => order((id) => ({ t: 'route', id, group, upstreams })),
      reload: () => order((id) => ({ t: 'reload', id })),
      ended,
      [Symbol.asyncDispose]: dispose,
    };
  } catch (error) {
    await dispose();
    throw error;
  }
}

/** With the parent's compile cache, if it has one: that saves a third of the time to start. */
function launch(program: string): ChildProcess {
  const cache = getCompileCacheDir();
  const env = cache === undefined ? process.env : { ...process.env, NODE_COMPILE_CACHE: cache };
  return fork(program, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'], execArgv: [], env });
}

function tell(child: ChildProcess, message: ToGateway): void {
  // A child that is gone is noticed by whoever waits for its answer.
  child.send(message, () => undefined);
}

function answer(
  child: ChildProcess,
  accepts: (message: FromGateway) => boolean,
  id: number | undefined,
): Promise<FromGateway> {
  return new Promise((resolve, reject) => {
    const fail = (detail: string) => reject(new OperatingError('gateway-unavailable', { detail }));
    const onExit = () => fail('The gateway has ended');
    const onMessage = (message: FromGateway) => {
      const isRefusal = message.t === 'failed' && message.id === id;
      if (isRefusal) fail(`The gateway cannot do it: ${message.reason}`);
      else if (accepts(message)) resolve(message);
      else return;
      child.off('message', onMessage).off('exit', onExit);
    };
    if (hasEnded(child)) return onExit();
    child.on('message', onMessage).once('exit', onExit);
  });
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

async function stop(child: ChildProcess, deadlineMs: number): Promise<void> {
  if (hasEnded(child)) return;
  const exited = once(child, 'exit');
  const insist = setTimeout(() => child.kill('SIGKILL'), deadlineMs);
  child.kill('SIGTERM');
  await exited;
  clearTimeout(insist);
}
