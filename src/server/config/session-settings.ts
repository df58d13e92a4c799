// Settings that decide what a session is: who recognises it, where it lives, how long, how many,
// how it ends, and with which keys.

import { type AssuranceLevel, type AssurancePolicy, assurance } from '../../core/assurance.ts';
import { lifetimes, limits } from '../../core/limits.ts';
import { type Derived, type Given, jsonSecret, oneOf, plainName, url, whole } from './kinds.ts';

const ages = [100, limits.lifetimeMsMax] as const;
const minute = 60_000;
const day = 24 * 60 * minute;

const postgresSchemes = ['postgres', 'postgresql'] as const;
const redisSchemes = ['redis', 'rediss'].flatMap((each) => [
  each,
  `${each}+sentinel`,
  `${each}+cluster`,
]);

const levels = Object.keys(assurance) as AssuranceLevel[];

function levelOf(given: Given): AssuranceLevel {
  return levels.find((level) => level === given('ASSURANCE')) ?? 'aal2';
}

/** What the assurance level says, where nothing else is said. */
function byLevel<K extends keyof AssurancePolicy>(key: K): Derived<AssurancePolicy[K]> {
  return {
    says: `by ASSURANCE: ${levels.map((level) => assurance[level][key]).join(', ')}`,
    from: (given) => assurance[levelOf(given)][key],
  };
}

/** What carries its session and can be called back all the same: it takes a log of endings. */
export function isRecalledByLog(strategy: string | undefined): boolean {
  return strategy === 'token-with-revocation' || strategy === 'sealed-cookie';
}

type Placed = Record<'accounts' | 'store' | 'strategy', string>;

/** False where sessions begin elsewhere and are kept there: a token is recognised, and no more. */
export function reachesSessions({ accounts, store, strategy }: Placed): boolean {
  return accounts !== 'none' || store !== 'memory' || strategy === 'sealed-cookie';
}

export const sessionSettings = {
  strategy: oneOf('STRATEGY', 'how a client is recognised', 'session', [
    'token',
    'token-with-revocation',
    'session',
    'sealed-cookie',
  ] as const),
  store: oneOf('STORE', 'where sessions live', 'memory', [
    'memory',
    'postgres',
    'redis',
    'cached',
  ] as const),
  accounts: oneOf(
    'ACCOUNTS',
    'where users are kept; none: they log in elsewhere, and are recognised here without a database',
    'postgres',
    ['postgres', 'none'] as const,
  ),
  databaseUrl: url(
    'DATABASE_URL',
    'the PostgreSQL of the user accounts',
    'none: it is needed, unless ACCOUNTS=none',
    postgresSchemes,
  ),
  sessionStoreUrl: url(
    'SESSION_STORE_URL',
    'the server of the session store',
    'DATABASE_URL or REDIS_URL, as the store needs',
    [...postgresSchemes, ...redisSchemes],
  ),
  redisUrl: url(
    'REDIS_URL',
    'the Redis of the session store or of the endings',
    'none: needed where one of them is in Redis',
    redisSchemes,
  ),
  storeTimeoutMs: whole(
    'STORE_TIMEOUT_MS',
    'a store or database that takes longer is out of order',
    limits.storeTimeoutMs,
    10,
    minute,
  ),
  assurance: oneOf('ASSURANCE', 'the policy of NIST SP 800-63B-4 to keep to', 'aal2', levels),
  idleMs: whole('IDLE_MS', 'a session unused for so long has ended', byLevel('idleMs'), ...ages),
  absoluteMs: whole(
    'ABSOLUTE_MS',
    'a session this old ends, used or not',
    byLevel('absoluteMs'),
    ...ages,
  ),
  freshMs: whole(
    'FRESH_MS',
    'sensitive operations ask for a proof of identity this recent',
    byLevel('freshMs'),
    ...ages,
  ),
  sessionsMax: whole(
    'SESSIONS_MAX',
    'how many sessions a user may have at once',
    byLevel('sessionsMax'),
    1,
    10_000,
  ),
  atLimit: oneOf(
    'AT_LIMIT',
    'one login more: the oldest session ends, or the login is refused',
    byLevel('atLimit'),
    ['end-oldest', 'refuse'] as const,
  ),
  rotationGraceMs: whole(
    'ROTATION_GRACE_MS',
    'how long a replaced credential is still absorbed',
    lifetimes.rotationGraceMs,
    0,
    5 * minute,
  ),
  accessTokenMs: whole(
    'ACCESS_TOKEN_MS',
    'how long an access token is accepted',
    lifetimes.accessTokenMs,
    ...ages,
  ),
  revocations: oneOf(
    'REVOCATIONS',
    'where endings are kept apart from the sessions',
    {
      says: 'none; postgres for STRATEGY=token-with-revocation and sealed-cookie',
      from: (given) => (isRecalledByLog(given('STRATEGY')) ? 'postgres' : 'none'),
    },
    ['none', 'memory', 'postgres', 'redis'] as const,
  ),
  revocationsUrl: url(
    'REVOCATIONS_URL',
    'the server that keeps the endings',
    'DATABASE_URL or REDIS_URL, as REVOCATIONS needs',
    [...postgresSchemes, ...redisSchemes],
  ),
  revocationStalenessMs: whole(
    'REVOCATION_STALENESS_MS',
    'a view of the endings older than this is not trusted',
    5_000,
    100,
    10 * minute,
  ),
  redisReplicas: whole(
    'REDIS_REPLICAS',
    'how many Redis replicas must have an ending before it is acknowledged (WAIT)',
    0,
    0,
    10,
  ),
  keys: oneOf('KEYS', 'where the keys that sign tokens come from', 'given', [
    'given',
    'postgres',
  ] as const),
  tokenKey: jsonSecret(
    'TOKEN_KEY',
    'for KEYS=given: the keys that sign tokens; the same for all servers',
    'a JSON Web Key or a set of them, whose first signs (RFC 7517)',
  ),
  tokenAlgorithm: oneOf('TOKEN_ALGORITHM', 'for KEYS=postgres: what new keys are for', 'EdDSA', [
    'EdDSA',
    'ES256',
    'HS256',
  ] as const),
  keyRotationMs: whole(
    'KEY_ROTATION_MS',
    'for KEYS=postgres: how long a key signs before the next one does',
    30 * day,
    1_000,
    400 * day,
  ),
  sealingKeys: jsonSecret(
    'SEALING_KEYS',
    'for STRATEGY=sealed-cookie: the keys that seal; the same for all servers',
    'a JSON Web Key Set of A256GCM keys, whose first seals (RFC 7517)',
  ),
  cookieName: plainName(
    'COOKIE_NAME',
    'the cookie of the session; with SECURE_COOKIES it is called __Host-<name>',
    'session',
  ),
  audience: plainName('AUDIENCE', 'the service named in tokens', 'sessionlab'),
} as const;
