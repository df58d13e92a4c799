// One replica, from settings to a graceful end: opens the store and the accounts, puts the server
// together, serves, and says so to whoever started it. SIGTERM and SIGINT stop it with what is in
// flight finished; the death of a parent that holds an IPC channel stops it at once, so that a lab
// that was killed leaves nothing behind. Only the chosen members of families are loaded: the client
// of a store that nobody asked for costs more to load than all of this.

import { extname } from 'node:path';
import { systemClock } from '../core/clock.ts';
import { OperatingError } from '../core/errors.ts';
import type { SessionStore, Store } from '../stores/store.ts';
import type { Recogniser, Strategy } from '../strategies/strategy.ts';
import { type Config, ConfigError, type Environment, readConfig } from './config.ts';
import type { Decoration, Parts } from './parts.ts';

const endDeadlineMs = 5_000;

export interface RunningServer extends AsyncDisposable {
  readonly url: string;
}

/** Opens all that the settings name, listens, and is ready. */
async function serve(config: Config, decoration: Decoration = {}): Promise<RunningServer> {
  const [opened, openedAccounts] = await Promise.all([
    openStore(config),
    openAccounts(config),
    import('./server.ts'),
  ]);
  const store = decoration.store?.(opened) ?? opened;
  const started = await startStrategy(config, store);
  const recogniser = decoration.recogniser?.(started, store) ?? started;
  const accounts = decoration.accounts?.(openedAccounts) ?? openedAccounts;
  return listen({ config, store, recogniser, accounts }, decoration);
}

/**
 * Listens with parts that are open already. Disposing finishes what is in flight, and the parts.
 */
export async function listen(parts: Parts, decoration: Decoration = {}): Promise<RunningServer> {
  const { config, store, accounts } = parts;
  const { buildServer } = await import('./server.ts');
  const app = buildServer(parts, { ...(decoration.app && { decorate: decoration.app }) });
  const close = async () => {
    await app.close();
    await Promise.all([store[Symbol.asyncDispose](), accounts[Symbol.asyncDispose]()]);
  };
  try {
    const url = await app.listen({ port: config.port, host: config.host });
    return {
      url,
      async [Symbol.asyncDispose]() {
        app.draining = true;
        if (config.drainMs > 0) await new Promise((done) => setTimeout(done, config.drainMs));
        await close();
      },
    };
  } catch (error) {
    await close();
    throw error;
  }
}

export async function openStore(config: Config): Promise<SessionStore> {
  const { sessionStoreUrl, redisUrl, databaseUrl, storeTimeoutMs: timeoutMs } = config;
  const store = await load<Store>('stores', config.store);
  const url = sessionStoreUrl ?? (config.store === 'redis' ? redisUrl : databaseUrl);
  return store.open({ timeoutMs, ...(url !== undefined && { url }) });
}

export async function openAccounts(config: Config) {
  const accounts = await import('../accounts/accounts.ts');
  const { databaseUrl, storeTimeoutMs: timeoutMs, hashMemoryKib, hashPasses } = config;
  if (databaseUrl === undefined) {
    const name = 'DATABASE_URL';
    throw new ConfigError([{ name, detail: `${name}: is needed, for the user accounts` }]);
  }
  const hashing = { memoryKib: hashMemoryKib, passes: hashPasses };
  return accounts.openAccounts({ databaseUrl, hashing, timeoutMs });
}

async function startStrategy(config: Config, store: SessionStore): Promise<Recogniser> {
  const strategy = await load<Strategy>('strategies', config.strategy);
  return strategy.start(strategyOptions(config, store));
}

export function strategyOptions(config: Config, store: SessionStore) {
  const { audience, secureCookies, tokenKey } = config;
  const given = tokenKey === undefined ? {} : { tokenKey };
  return { store, clock: systemClock, lifetimes: config, audience, secureCookies, ...given };
}

/** `.ts` from source, `.js` when bundled or built. */
const extension = extname(import.meta.url);

/** A member of a family, by the rule of the registries: the file is named as the member. */
async function load<Member>(family: string, name: string): Promise<Member> {
  const file = `../${family}/${name}${extension}`;
  const members: Record<string, Member> = await import(/* @vite-ignore */ file);
  const member = members[name.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase())];
  if (member === undefined) throw new Error(`${family}/${name}.ts exports no ${name}`);
  return member;
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
    refuseToStart(error);
  }
}

/** What an operator can mend is said in a line; anything else is our mistake and crashes. */
export function refuseToStart(error: unknown): never {
  if (!(error instanceof ConfigError || error instanceof OperatingError)) throw error;
  console.error(error.message);
  process.exit(error instanceof ConfigError ? 64 : 1);
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
