// One replica, from settings to a graceful end: opens the store and the accounts, puts the server
// together, serves, and says so to whoever started it. SIGTERM and SIGINT stop it with what is in
// flight finished; the death of a parent that holds an IPC channel stops it at once, so that a lab
// that was killed leaves nothing behind. Only the chosen members of families are loaded: the client
// of a store that nobody asked for costs more to load than all of this.

import { extname } from 'node:path';
import type { Accounts } from '../accounts/accounts.ts';
import { systemClock } from '../core/clock.ts';
import { OperatingError } from '../core/errors.ts';
import type { Session } from '../core/session.ts';
import type { SessionSchema } from '../core/session-schema.ts';
import type { KeyRing, KeyRings } from '../keys/key-ring.ts';
import type { RevocationLog, Revocations } from '../revocations/revocation-log.ts';
import type { SessionStore, Store } from '../stores/store.ts';
import type { Strategy } from '../strategies/strategy.ts';
import { noteService, openAudit } from './audit.ts';
import {
  type Config,
  ConfigError,
  databaseIsNeeded,
  type Environment,
  type ReadSettings,
  readSettings,
} from './config.ts';
import { endGently, endOnSignal } from './ending.ts';
import { checkHazards } from './hazards.ts';
import { Meter } from './meter.ts';
import type { Decoration, Parts } from './parts.ts';
import { sessionData } from './session-data.ts';
import { measured } from './telemetry.ts';
import { openTransferIfAny, openVaultIfAny } from './transfer.ts';

export interface RunningServer extends AsyncDisposable {
  readonly url: string;
  /** Where files are transferred, if they are. */
  readonly transferUrl?: string;
  /** The sessions in the memory of this process. */
  held(): readonly Session[];
}

/** How many sessions are named when a parent asks what is remembered here. */
const rememberedMax = 24;

/** Opens all that the settings name, listens, and is ready. */
async function serve(
  config: Config,
  decoration: Decoration,
  { warnings, origins }: Omit<ReadSettings, 'config'>,
): Promise<RunningServer> {
  await using opened = new AsyncDisposableStack();
  const use = <T extends AsyncDisposable>(thing: T): T => opened.use(thing);
  const meter = new Meter();
  const [openedStore, openedAccounts, audit, vaults, hazards] = await Promise.all([
    openStore(config, meter).then(use),
    openAccountsIfAny(config).then((any) => any && use(any)),
    openAudit(config).then((any) => any && use(any)),
    openVaultIfAny(config).then((any) => {
      if (any.vault) use(any.vault);
      return any;
    }),
    checkHazards(config),
    import('./server.ts'),
  ]);
  const store = decoration.store?.(openedStore) ?? openedStore;
  const recognition = await openRecognition(config, store, decoration.schema);
  const recogniser = decoration.recogniser?.(recognition.recogniser, store);
  const accounts = openedAccounts && (decoration.accounts?.(openedAccounts) ?? openedAccounts);
  const { writableVault } = vaults;
  const vault = writableVault && decoration.vault?.(writableVault);
  const own = { ...recognition, ...(recogniser && { recogniser }) };
  const kept = {
    ...(accounts && { accounts }),
    ...(audit && { audit }),
    ...vaults,
    ...(vault && { vault, writableVault: vault }),
  };
  const parts = { config, store, meter, ...kept, ...own };
  opened.move();
  await noteService(audit, config, 'started', origins);
  const unreadable = writableVault?.warnings ?? [];
  return listen(parts, decoration, [...warnings, ...hazards, ...unreadable]);
}

/**
 * Listens with parts that are open already. Disposing finishes what is in flight, and the parts.
 */
export async function listen(
  parts: Parts,
  decoration: Decoration = {},
  warnings: readonly string[] = [],
): Promise<RunningServer> {
  const { config, meter = new Meter() } = parts;
  const { buildServer } = await import('./server.ts');
  const app = buildServer(
    { ...parts, meter },
    { ...(decoration.app && { decorate: decoration.app }) },
  );
  for (const warning of warnings) app.serverLog.warn(warning);
  try {
    const transfer = await openTransferIfAny(app, parts, meter);
    const url = await app.listen({ port: config.port, host: config.host });
    return {
      url,
      ...(transfer && { transferUrl: transfer.url }),
      held: () => parts.store.held?.(systemClock.now()) ?? [],
      async [Symbol.asyncDispose]() {
        await endGently(app, config, transfer);
        await noteService(parts.audit, config, 'stopped');
        await closeParts(parts);
      },
    };
  } catch (error) {
    await app.close();
    await closeParts(parts);
    throw error;
  }
}

export async function closeParts(parts: Parts): Promise<void> {
  const { store, accounts, keys, revocations, audit, vault } = parts;
  const all = [store, accounts, keys, revocations, audit, vault];
  await Promise.all(all.map((part) => part?.[Symbol.asyncDispose]()));
}

/** With a meter, a store that is asked over a network is measured. */
export async function openStore(config: Config, meter?: Meter): Promise<SessionStore> {
  const { sessionStoreUrl, redisUrl, databaseUrl, storeTimeoutMs: timeoutMs } = config;
  const store = await load<Store>('stores', config.store);
  const isPostgres = store.needs === 'postgres';
  const url = sessionStoreUrl ?? (isPostgres ? databaseUrl : redisUrl);
  const opened = await store.open({
    timeoutMs,
    replicas: config.redisReplicas,
    onUndecodable: () => {
      if (meter) meter.undecodable += 1;
    },
    ...(url !== undefined && { url }),
  });
  if (!store.shared) return opened;
  const known = meter === undefined ? opened : measured(opened, meter);
  if (!config.traces) return known;
  return (await traces()).tracedStore(known, isPostgres ? 'postgresql' : 'redis');
}

const traces = () => import('./traces.ts');

/** Undefined where ACCOUNTS says that users log in elsewhere. */
export async function openAccountsIfAny(config: Config): Promise<Accounts | undefined> {
  return config.accounts === 'none' ? undefined : openAccounts(config);
}

export async function openAccounts(config: Config): Promise<Accounts> {
  const accounts = await import('../accounts/accounts.ts');
  const { databaseUrl, storeTimeoutMs: timeoutMs, hashMemoryKib, hashPasses } = config;
  if (databaseUrl === undefined) throw new ConfigError([databaseIsNeeded]);
  const hashing = { memoryKib: hashMemoryKib, passes: hashPasses };
  const { loginFailuresMax: failuresMax, adminUsers } = config;
  const options = { databaseUrl, hashing, timeoutMs, failuresMax, adminUsers };
  const opened = await accounts.openAccounts(options);
  return config.traces ? (await traces()).tracedAccounts(opened) : opened;
}

export async function openKeys(config: Config): Promise<KeyRing> {
  const { tokenKey: given, databaseUrl: url, tokenAlgorithm: algorithm } = config;
  const rings = await load<KeyRings>('keys', config.keys);
  return rings.open({
    ...(given !== undefined && { given }),
    ...(url !== undefined && { url }),
    algorithm,
    rotationMs: config.keyRotationMs,
    tokenMs: Math.max(config.accessTokenMs, config.idleMs),
    timeoutMs: config.storeTimeoutMs,
  });
}

/** Undefined when the settings ask for no log of endings. */
async function openRevocations(config: Config): Promise<RevocationLog | undefined> {
  const { revocations: name, revocationsUrl, redisUrl, databaseUrl } = config;
  if (name === 'none') return undefined;
  const revocations = await load<Revocations>('revocations', name);
  const url = revocationsUrl ?? (name === 'redis' ? redisUrl : databaseUrl);
  return revocations.open({
    ...(url !== undefined && { url }),
    timeoutMs: config.storeTimeoutMs,
    stalenessMs: config.revocationStalenessMs,
    replicas: config.redisReplicas,
  });
}

/** How clients are recognised, and what was opened for it. */
export type RecognitionParts = Pick<Parts, 'recogniser' | 'keys' | 'revocations'>;

/** The strategy of the settings at work on the store, with all that it needs. */
export async function openRecognition(
  config: Config,
  store: SessionStore,
  schema: SessionSchema = sessionData,
): Promise<RecognitionParts> {
  await using stack = new AsyncDisposableStack();
  const strategy = await load<Strategy>('strategies', config.strategy);
  const keys = strategy.needs?.includes('keys') ? stack.use(await openKeys(config)) : undefined;
  const revocations = stack.use(await openRevocations(config));
  const opened = { ...(keys && { keys }), ...(revocations && { revocations }) };
  const options = { ...strategyOptions(config, { store, ...opened }), schema };
  const recogniser = await strategy.start(options);
  stack.move();
  if (!config.traces) return { recogniser, ...opened };
  return { recogniser: (await traces()).tracedRecogniser(recogniser, config.strategy), ...opened };
}

/** What a strategy is started with, by the settings. */
export function strategyOptions(
  config: Config,
  parts: Omit<Parts, 'config' | 'accounts' | 'recogniser'>,
) {
  const { audience, secureCookies, cookieName, sealingKeys, sessionsMax, atLimit } = config;
  return {
    ...parts,
    clock: systemClock,
    lifetimes: config,
    sessionLimit: { sessionsMax, atLimit },
    schema: sessionData,
    audience,
    secureCookies,
    cookieName,
    ...(sealingKeys !== undefined && { sealingKeys }),
  };
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
    const { config, ...told } = readSettings(environment);
    const server = await serve(config, decoration, told);
    endOnSignal(config, server);
    if (process.send) obeyParent(server);
    else console.log(['listening on', server.url, server.transferUrl ?? []].flat().join(' '));
  } catch (error) {
    refuseToStart(error);
  }
}

/** Says to whoever started this where it is, and what it remembers when it is asked. */
function obeyParent(server: RunningServer): void {
  process.on('message', (message: { t?: unknown }) => {
    if (message.t !== 'remembers') return;
    const held = server.held();
    const newest = held.slice(-rememberedMax).toReversed();
    const sessions = newest.map(({ handle, userName }) => ({ handle, user: userName }));
    process.send?.({ t: 'remembers', sessions, inAll: held.length });
  });
  const { url, transferUrl } = server;
  process.send?.({ t: 'ready', url, ...(transferUrl && { transferUrl }) });
}

/**
 * What an operator can mend is said in a line, as the system says of a port, or of a folder;
 * anything else is our mistake and crashes.
 */
export function refuseToStart(error: unknown): never {
  const isMendable = error instanceof ConfigError || error instanceof OperatingError;
  if (!isMendable && !(error instanceof Error && 'syscall' in error)) throw error;
  console.error(error.message);
  process.exit(error instanceof ConfigError ? 64 : 1);
}
