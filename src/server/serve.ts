// One replica, from settings to a graceful end: opens the store and the accounts, puts the server
// together, serves, and says so to whoever started it. SIGTERM and SIGINT stop it with what is in
// flight finished; the death of a parent that holds an IPC channel stops it at once, so that a lab
// that was killed leaves nothing behind.

import { systemClock } from '../core/clock.ts';
import type { SessionStore } from '../stores/store.ts';
import { type Config, ConfigError, type Environment, readConfig } from './config.ts';
import type { Decoration, Parts } from './parts.ts';

const endDeadlineMs = 5_000;

export interface RunningServer extends AsyncDisposable {
  readonly url: string;
}

/** Opens everything, listens, and is ready. Disposing it finishes what is in flight. */
export async function serve(config: Config, decoration: Decoration = {}): Promise<RunningServer> {
  const [parts, { buildServer }] = await Promise.all([
    openParts(config, decoration),
    import('./server.ts'),
  ]);
  const app = buildServer(parts, { ...(decoration.app && { decorate: decoration.app }) });
  const url = await app.listen({ port: config.port, host: config.host });
  return {
    url,
    async [Symbol.asyncDispose]() {
      app.draining = true;
      if (config.drainMs > 0) await new Promise((done) => setTimeout(done, config.drainMs));
      await app.close();
      await Promise.all([
        parts.store[Symbol.asyncDispose](),
        parts.accounts[Symbol.asyncDispose](),
      ]);
    },
  };
}

async function openParts(config: Config, decoration: Decoration): Promise<Parts> {
  const [opened, accounts, strategies] = await Promise.all([
    openStore(config),
    openAccounts(config),
    import('../strategies/index.ts'),
  ]);
  const store = decoration.store?.(opened) ?? opened;
  const recogniser = await strategies[config.strategy].start({
    store,
    clock: systemClock,
    lifetimes: config,
    audience: config.audience,
    secureCookies: config.secureCookies,
    ...(config.tokenKey !== undefined && { tokenKey: config.tokenKey }),
  });
  return {
    config,
    store,
    recogniser: decoration.recogniser?.(recogniser, store) ?? recogniser,
    accounts: decoration.accounts?.(accounts) ?? accounts,
  };
}

async function openStore(config: Config): Promise<SessionStore> {
  const stores = await import('../stores/index.ts');
  const { sessionStoreUrl, redisUrl, databaseUrl } = config;
  const url = sessionStoreUrl ?? (config.store === 'redis' ? redisUrl : databaseUrl);
  return stores[config.store].open({
    timeoutMs: config.storeTimeoutMs,
    ...(url !== undefined && { url }),
  });
}

async function openAccounts(config: Config) {
  const { openAccounts: open } = await import('../accounts/accounts.ts');
  const { databaseUrl, storeTimeoutMs: timeoutMs, hashMemoryKib, hashPasses } = config;
  if (databaseUrl === undefined) {
    const name = 'DATABASE_URL';
    throw new ConfigError([{ name, detail: `${name}: is needed, for the user accounts` }]);
  }
  const hashing = { memoryKib: hashMemoryKib, passes: hashPasses };
  return open({ databaseUrl, hashing, timeoutMs });
}

/** The whole life of a replica that is a process of its own. */
export async function runReplica(
  decoration: Decoration = {},
  environment: Environment = process.env,
): Promise<void> {
  process.once('disconnect', () => process.exit(1));
  try {
    const server = await serve(readConfig(environment), decoration);
    endOnSignal(server);
    if (process.send) process.send({ t: 'ready', url: server.url });
    else console.log(`listening on ${server.url}`);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    console.error(error.message);
    process.exit(64);
  }
}

/** SIGTERM and SIGINT end the process: in order if that is quick, and at the deadline if not. */
export function endOnSignal(...things: readonly AsyncDisposable[]): void {
  let ending = false;
  const end = async () => {
    if (ending) return;
    ending = true;
    setTimeout(() => process.exit(1), endDeadlineMs).unref();
    for (const thing of things) await thing[Symbol.asyncDispose]();
    process.exit(0);
  };
  process.on('SIGTERM', end);
  process.on('SIGINT', end);
}
