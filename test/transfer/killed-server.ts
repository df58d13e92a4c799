// The server as it is deployed, over a vault and for alice, whose session is in PostgreSQL, until
// it is killed (kill -9).

import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { systemClock } from '../../src/core/clock.ts';
import { lifetimes } from '../../src/core/limits.ts';
import { postgres } from '../../src/stores/postgres.ts';
import { session } from '../../src/strategies/session.ts';
import type { TransferCredential } from '../../src/transfer/client.ts';
import type { Visitor } from '../../src/transfer/vault.ts';
import { freshDatabase } from '../support/backing.ts';

export const alice: Visitor = { userId: 'alice-id', userName: 'alice' };

/** Where alice's session is kept, which outlives every server, and what proves that it is hers. */
export interface Login {
  readonly databaseUrl: string;
  readonly credential: TransferCredential;
}

export async function logIn(): Promise<Login> {
  const databaseUrl = await freshDatabase();
  await using store = await postgres.open({ url: databaseUrl, timeoutMs: 20_000 });
  const own = { audience: 'sessionlab', secureCookies: false };
  const recogniser = await session.start({ store, clock: systemClock, lifetimes, ...own });
  const { headers } = await recogniser.begin({ id: alice.userId, name: alice.userName }, {});
  const [value = ''] = headers.flatMap(([, line]) => line.split(';', 1));
  return { databaseUrl, credential: { field: 'cookie', value } };
}

export interface Place {
  /** The program that is a server. */
  readonly entry: string;
  readonly vault: string;
  readonly port: number;
  readonly login: Login;
}

export class KilledServer {
  readonly #child: ChildProcess;
  readonly #gone: Promise<unknown>;
  /** Rejects when it ends before it serves. */
  readonly ready: Promise<unknown>;

  constructor({ entry, vault, port, login }: Place) {
    const { NODE_OPTIONS: _, ...inherited } = process.env;
    this.#child = spawn(process.execPath, [entry], {
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      env: {
        ...inherited,
        ...{ STRATEGY: 'session', STORE: 'postgres', ACCOUNTS: 'none' },
        ...{ SESSION_STORE_URL: login.databaseUrl, STORE_TIMEOUT_MS: '10000' },
        ...{ HOST: '127.0.0.1', PORT: '0', SECURE_COOKIES: 'false', HAZARDS: 'ignore' },
        ...{ LOG_LEVEL: 'error', TRANSFER_PORT: String(port), VAULT_FOLDER: vault },
        ...{ VAULT_BYTES_MAX: '1000000000000', VAULT_USER_BYTES_MAX: '1000000000000' },
      },
    });
    this.#gone = once(this.#child, 'exit');
    const died = this.#gone.then(() => Promise.reject(new Error('the server is gone')));
    this.ready = Promise.race([once(this.#child, 'message'), died]);
    this.ready.catch(() => undefined);
  }

  /** Throws when there is nobody to kill. */
  async kill(): Promise<void> {
    const { exitCode, signalCode } = this.#child;
    assert(exitCode === null && signalCode === null, 'the server has died by itself');
    this.#child.kill('SIGKILL');
    await this.#gone;
  }
}
