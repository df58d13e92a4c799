// Those who send files and those who take them, each a process of its own that is ordered about and
// asked what it costs.

import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { newTokenKey } from '../src/keys/token-key.ts';
import type { Order, Sent } from './file-sender.ts';

export interface FileSubject {
  readonly name: string;
  readonly sender: string;
  readonly receiver: string;
  readonly env: Readonly<Record<string, string>>;
}

/** Our server as it is shipped, and our client. */
export async function ours(folder: string): Promise<FileSubject> {
  const much = '1000000000000';
  return {
    name: 'sessionlab',
    sender: 'bench/file-sender.ts',
    receiver: 'src/server/main.ts',
    env: {
      ...{ STRATEGY: 'token', STORE: 'memory', ACCOUNTS: 'none', TOKEN_KEY: await newTokenKey() },
      ...{ PORT: '0', SECURE_COOKIES: 'false', LOG_LEVEL: 'warn', HAZARDS: 'ignore' },
      ...{ TRANSFER_PORT: '0', TRANSFER_ANONYMOUS: 'true', VAULT_FOLDER: join(folder, 'vault') },
      ...{ VAULT_BYTES_MAX: much, VAULT_USER_BYTES_MAX: much },
      TRANSFER_ADDRESS_CONNECTIONS_MAX: '256',
    },
  };
}

export function bare(folder: string, name: string, env: FileSubject['env'] = {}): FileSubject {
  const both = 'bench/peers/bare-files.ts';
  const target = { RECEIVE_TO: join(folder, 'received') };
  return { name, sender: both, receiver: both, env: { ...target, ...env } };
}

export interface Use {
  readonly cpuMicros: number;
  readonly rssBytes: number;
}

interface Spent extends NodeJS.CpuUsage {
  readonly rssBytes: number;
}

type Said = Sent | Spent;

class FileProcess implements AsyncDisposable {
  protected readonly child: ChildProcess;

  constructor(entry: string, env: FileSubject['env'] = {}) {
    this.child = fork(entry, {
      execArgv: ['--import', './bench/cpu-time.ts'],
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      env: { ...process.env, NODE_ENV: 'production', ...env },
    }).setMaxListeners(0);
  }

  async use(): Promise<Use> {
    this.child.send('cpu-time');
    const spent = await this.told((said): said is Spent => 'rssBytes' in said);
    return { cpuMicros: spent.user + spent.system, rssBytes: spent.rssBytes };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const gone = once(this.child, 'exit');
    this.child.kill('SIGKILL');
    await gone;
  }

  /** @throws Error when the process ends instead. */
  protected async told<T extends Said>(isIt: (said: Said) => said is T): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const hear = (said: Said) => isIt(said) && resolve(said);
    const fail = () => reject(new Error('a process has ended that was to send or receive files'));
    this.child.on('message', hear).once('exit', fail);
    try {
      return await promise;
    } finally {
      this.child.off('message', hear).off('exit', fail);
    }
  }
}

export class Receiver extends FileProcess {
  #port = 0;

  static async start({ receiver, env }: FileSubject): Promise<Receiver> {
    const started = new Receiver(receiver, env);
    const [{ transferUrl }] = await once(started.child, 'message');
    started.#port = Number(new URL(transferUrl).port);
    return started;
  }

  get port(): number {
    return this.#port;
  }
}

export class Sender extends FileProcess {
  #orders = 0;

  /** Resolves with the milliseconds that it took. */
  async send(path: string, { port }: Receiver): Promise<number> {
    this.#orders += 1;
    const order: Order = { number: this.#orders, port, path };
    this.child.send(order);
    const isIt = (said: Said): said is Sent => 'number' in said && said.number === order.number;
    return (await this.told(isIt)).ms;
  }
}
