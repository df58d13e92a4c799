// What an operator can set: one table, read from the environment once, at the start. Each bad value
// is refused with the variable, the value (unless it is a secret) and what is allowed; all of them
// are reported together. The reference of settings is generated from this table.

import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { lifetimes, limits } from '../core/limits.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

export interface Setting<T> {
  /** The environment variable. */
  readonly name: string;
  /** What it decides, in a few words. */
  readonly says: string;
  /** What may be written, for people. */
  readonly allowed: string;
  /** What holds when the variable is absent, for people. */
  readonly fallback: string;
  /** True when the value must not be shown. */
  readonly secret: boolean;
  /** undefined for a text that is not allowed. */
  readonly parse: (text: string) => T | undefined;
  readonly absent: (environment: Environment) => T;
}

export interface ConfigProblem {
  readonly name: string;
  readonly detail: string;
}

/** The environment does not make a configuration; holds every problem, none of them a secret. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly problems: readonly ConfigProblem[];

  constructor(problems: readonly ConfigProblem[]) {
    super(problems.map((problem) => problem.detail).join('\n'));
    this.problems = problems;
  }
}

function whole(name: string, says: string, fallback: number, least: number, most: number) {
  return {
    name,
    says,
    allowed: `a whole number from ${least} to ${most}`,
    fallback: String(fallback),
    secret: false,
    parse: (text: string) => {
      const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
      return value >= least && value <= most ? value : undefined;
    },
    absent: () => fallback,
  } satisfies Setting<number>;
}

function oneOf<T extends string>(
  name: string,
  says: string,
  fallback: NoInfer<T>,
  values: readonly T[],
) {
  return {
    name,
    says,
    allowed: values.join(', '),
    fallback: fallback,
    secret: false,
    parse: (text: string) => values.find((value) => value === text),
    absent: (): T => fallback,
  } satisfies Setting<T>;
}

function yesNo(name: string, says: string, fallback: boolean) {
  return {
    ...oneOf(name, says, String(fallback), ['true', 'false']),
    parse: (text: string) => (text === 'true' ? true : text === 'false' ? false : undefined),
    absent: () => fallback,
  } satisfies Setting<boolean>;
}

function plainName(name: string, says: string, fallback: string, absent: () => string) {
  return {
    name,
    says,
    allowed: 'up to 32 letters, digits, dots and dashes',
    fallback,
    secret: false,
    parse: (text: string) => (/^[A-Za-z0-9][A-Za-z0-9._-]{0,31}$/.test(text) ? text : undefined),
    absent,
  } satisfies Setting<string>;
}

/** Connection URLs are secrets as a whole, because they carry passwords. */
function url(name: string, says: string, fallback: string, protocols: readonly string[]) {
  return {
    name,
    says,
    allowed: `a URL that begins with ${protocols.map((each) => `${each}//`).join(' or ')}`,
    fallback,
    secret: true,
    parse: (text: string): string | undefined =>
      protocols.includes(URL.parse(text)?.protocol ?? '') ? text : undefined,
    absent: (): string | undefined => undefined,
  } satisfies Setting<string | undefined>;
}

const ages = [100, 400 * 24 * 60 * 60_000] as const;
const minute = 60_000;

export const settings = {
  port: whole('PORT', 'the port to listen on; 0 takes a free one', 3000, 0, 65_535),
  host: {
    name: 'HOST',
    says: 'the address to listen on',
    allowed: 'an IP address or host name',
    fallback: '127.0.0.1',
    secret: false,
    parse: (text) => (/^[A-Za-z0-9.:-]{1,253}$/.test(text) ? text : undefined),
    absent: () => '127.0.0.1',
  } satisfies Setting<string>,
  replica: plainName('REPLICA', 'the name of this server', 's1', () => 's1'),
  incarnation: plainName('INCARNATION', 'this life of the server', '4 random hex digits', () =>
    randomBytes(2).toString('hex'),
  ),
  strategy: oneOf('STRATEGY', 'how a client is recognised', 'session', [
    'token',
    'session',
  ] as const),
  store: oneOf('STORE', 'where sessions live', 'memory', ['memory', 'postgres', 'redis'] as const),
  databaseUrl: url('DATABASE_URL', 'the PostgreSQL of the user accounts', 'none: it is needed', [
    'postgres:',
    'postgresql:',
  ]),
  sessionStoreUrl: url(
    'SESSION_STORE_URL',
    'the server of the session store',
    'DATABASE_URL or REDIS_URL, as the store needs',
    ['postgres:', 'postgresql:', 'redis:', 'rediss:'],
  ),
  redisUrl: url('REDIS_URL', 'the Redis of the session store', 'none', ['redis:', 'rediss:']),
  tokenKey: {
    name: 'TOKEN_KEY',
    says: 'the private key that signs tokens; the same for all servers',
    allowed: 'a JSON Web Key (RFC 7517)',
    fallback: 'the content of TOKEN_KEY_FILE, if that is set',
    secret: true,
    parse: (text): string | undefined => (isJsonObject(text) ? text : undefined),
    absent: (environment) => keyFromFile(environment.TOKEN_KEY_FILE),
  } satisfies Setting<string | undefined>,
  audience: plainName('AUDIENCE', 'the service named in tokens', 'sessionlab', () => 'sessionlab'),
  idleMs: whole('IDLE_MS', 'a session unused for so long has ended', lifetimes.idleMs, ...ages),
  absoluteMs: whole('ABSOLUTE_MS', 'a session this old ends', lifetimes.absoluteMs, ...ages),
  accessTokenMs: whole(
    'ACCESS_TOKEN_MS',
    'how long an access token is accepted',
    lifetimes.accessTokenMs,
    ...ages,
  ),
  rotationGraceMs: whole(
    'ROTATION_GRACE_MS',
    'how long a replaced credential is still absorbed',
    lifetimes.rotationGraceMs,
    0,
    5 * minute,
  ),
  freshMs: whole(
    'FRESH_MS',
    'sensitive operations ask for a proof of identity this recent',
    lifetimes.freshMs,
    ...ages,
  ),
  storeTimeoutMs: whole(
    'STORE_TIMEOUT_MS',
    'a store or database that takes longer is out of order',
    limits.storeTimeoutMs,
    10,
    minute,
  ),
  hashMemoryKib: whole(
    'PASSWORD_HASH_MEMORY_KIB',
    'memory that hashing one password takes (Argon2id)',
    19_456,
    64,
    1_048_576,
  ),
  hashPasses: whole('PASSWORD_HASH_PASSES', 'passes over that memory (Argon2id)', 2, 1, 64),
  secureCookies: yesNo('SECURE_COOKIES', 'false only for plain HTTP on loopback', true),
  apiDocs: yesNo('API_DOCS', 'serve /openapi.json and /docs', false),
  keepAliveMs: whole(
    'KEEP_ALIVE_MS',
    'how long an idle connection stays open; longer than the gateway keeps it',
    72_000,
    1_000,
    10 * minute,
  ),
  requestTimeoutMs: whole(
    'REQUEST_TIMEOUT_MS',
    'how long a client may take to send a request',
    30_000,
    100,
    10 * minute,
  ),
  drainMs: whole(
    'DRAIN_MS',
    'at the end: how long to go on answering, with "connection: close", before closing',
    0,
    0,
    minute,
  ),
  logLevel: oneOf('LOG_LEVEL', 'how much is logged', 'info', [
    'debug',
    'info',
    'warn',
    'error',
    'silent',
  ] as const),
} as const;

type Settings = typeof settings;

export type Config = {
  readonly [K in keyof Settings]: ReturnType<Settings[K]['absent']>;
};

/** @throws ConfigError naming every variable that is wrong. */
export function readConfig(environment: Environment): Config {
  const problems: ConfigProblem[] = [];
  const entries = Object.entries(settings).map(([key, setting]) => {
    const text = environment[setting.name];
    try {
      const value =
        text === undefined || text === '' ? setting.absent(environment) : setting.parse(text);
      if (value === undefined && text) problems.push(refusal(setting, text));
      return [key, value];
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      problems.push(...error.problems);
      return [key, undefined];
    }
  });
  const config = Object.fromEntries(entries) as Config;
  if (problems.length === 0 && !config.secureCookies && !isLoopback(config.host)) {
    const detail = `SECURE_COOKIES: false is for loopback, and HOST is ${config.host}`;
    problems.push({ name: 'SECURE_COOKIES', detail });
  }
  if (problems.length > 0) throw new ConfigError(problems);
  return config;
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\.\d+\.\d+\.\d+$/.test(host);
}

function refusal(setting: Setting<unknown>, text: string): ConfigProblem {
  const shown = setting.secret ? 'the value (not shown)' : JSON.stringify(text.slice(0, 80));
  return {
    name: setting.name,
    detail: `${setting.name}: ${shown} is not allowed; allowed: ${setting.allowed}`,
  };
}

function isJsonObject(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value);
  } catch {
    return false;
  }
}

function keyFromFile(file: string | undefined): string | undefined {
  if (file === undefined || file === '') return undefined;
  const name = 'TOKEN_KEY_FILE';
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    throw new ConfigError([{ name, detail: `${name}: ${JSON.stringify(file)} cannot be read` }]);
  }
  if (isJsonObject(text)) return text;
  const detail = `${name}: ${JSON.stringify(file)} holds no JSON Web Key (RFC 7517)`;
  throw new ConfigError([{ name, detail }]);
}

/** How a server names itself in answers: its place, and which life of it this is. */
export function servedBy(config: Config): string {
  return `${config.replica}#${config.incarnation}`;
}
