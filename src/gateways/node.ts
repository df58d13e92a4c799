// The embedded gateway, as its parent sees it: a process of its own, so that it shares neither the
// event loop nor the fate of the lab. This side starts it, tells it the route and ends it; what it
// does with requests is in the folder `node`.

import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { getCompileCacheDir } from 'node:module';
import { OperatingError } from '../core/errors.ts';
import { programPath } from '../core/program.ts';
import type { Gateway } from './gateway.ts';
import type { FromGateway, ToGateway } from './node/process.ts';

const PROGRAM = programPath('./node/process', import.meta.url);
/** It drains by itself for two seconds. */
const STOP_DEADLINE_MS = 4_000;

export const node: Gateway = {
  says: 'the embedded reverse proxy, a Node process',
  lacks: { 'client-limits': 'bounding single clients is left to nginx' },
  missing: () => undefined,

  async start(options) {
    const child = launch();
    const dispose = () => stop(child);
    let orders = 0;
    const order = async (make: (id: number) => ToGateway) => {
      const id = ++orders;
      const done = answer(child, 'done', (message) => message.id === id);
      tell(child, make(id));
      await done;
    };
    try {
      tell(child, { t: 'start', options });
      const { port, tlsPort } = await answer(child, 'ready');
      return {
        url: `http://127.0.0.1:${port}`,
        ...(tlsPort !== undefined && { tlsUrl: `https://127.0.0.1:${tlsPort}` }),
        pid: child.pid as number,
        route: (group, upstreams) => order((id) => ({ t: 'route', id, group, upstreams })),
        reload: () => order((id) => ({ t: 'reload', id })),
        [Symbol.asyncDispose]: dispose,
      };
    } catch (error) {
      await dispose();
      throw error;
    }
  },
};

/** With the parent's compile cache, if it has one: that saves a third of the time to start. */
function launch(): ChildProcess {
  const cache = getCompileCacheDir();
  const env = cache === undefined ? process.env : { ...process.env, NODE_COMPILE_CACHE: cache };
  return fork(PROGRAM, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'], execArgv: [], env });
}

function tell(child: ChildProcess, message: ToGateway): void {
  // A child that is gone is noticed by whoever waits for its answer.
  child.send(message, () => undefined);
}

function answer<T extends FromGateway['t']>(
  child: ChildProcess,
  kind: T,
  accepts: (message: Extract<FromGateway, { t: T }>) => boolean = () => true,
): Promise<Extract<FromGateway, { t: T }>> {
  return new Promise((resolve, reject) => {
    const fail = (detail: string) => reject(new OperatingError('gateway-unavailable', { detail }));
    const onExit = () => fail('The gateway has ended');
    const onMessage = (message: FromGateway) => {
      if (message.t === 'failed') fail(`The gateway cannot do it: ${message.reason}`);
      else if (!isOf(message, kind) || !accepts(message)) return;
      else resolve(message);
      child.off('message', onMessage).off('exit', onExit);
    };
    if (hasEnded(child)) return onExit();
    child.on('message', onMessage).once('exit', onExit);
  });
}

function isOf<T extends FromGateway['t']>(
  message: FromGateway,
  kind: T,
): message is Extract<FromGateway, { t: T }> {
  return message.t === kind;
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

async function stop(child: ChildProcess): Promise<void> {
  if (hasEnded(child)) return;
  const exited = once(child, 'exit');
  const insist = setTimeout(() => child.kill('SIGKILL'), STOP_DEADLINE_MS);
  child.kill('SIGTERM');
  await exited;
  clearTimeout(insist);
}
