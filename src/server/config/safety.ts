// What is allowed setting by setting and yet not safe together. It is refused at the start, each
// with what to do, because nobody reads a warning of a server that runs. What may be right and may
// be wrong, and only the operator can know, is a warning.

import { assurance } from '../../core/assurance.ts';
import { lifetimes } from '../../core/limits.ts';
import type { Config } from '../config.ts';
import { judgeExposure } from './exposure.ts';
import { isLoopback } from './kinds.ts';
import type { Reading } from './reading.ts';
import { isRecalledByLog, reachesSessions } from './session-settings.ts';
import { judgeTransfer } from './transfer-settings.ts';

const irrevocableMsMax = 15 * 60_000;

export function judge(config: Config, reading: Reading): void {
  judgeTransport(config, reading);
  judgeExposure(config, reading);
  judgeKeys(config, reading);
  judgeServices(config, reading);
  judgeTokens(config, reading);
  judgeAccounts(config, reading);
  judgeAudit(config, reading);
  judgeTransfer(config, reading);
  judgeMemory(config, reading);
}

function judgeTransport({ host, secureCookies, trustProxy }: Config, reading: Reading): void {
  if (isLoopback(host)) return;
  if (!secureCookies) {
    reading.refuse('SECURE_COOKIES', `false is for loopback, and HOST is ${host}`);
  } else if (trustProxy.length === 0) {
    const why = `HOST is ${host}, and browsers drop secure cookies that come without TLS`;
    const cure = 'name the proxy that ends TLS before this server, as in TRUST_PROXY=10.0.0.0/8';
    reading.refuse('TRUST_PROXY', `${why}: ${cure}`);
  }
}

function judgeKeys(config: Config, reading: Reading): void {
  const { strategy, revocations, sealingKeys, keys, tokenKey, host } = config;
  if (isRecalledByLog(strategy) && revocations === 'none') {
    reading.refuse('REVOCATIONS', `none leaves STRATEGY=${strategy} without revocation`);
  }
  if (strategy === 'sealed-cookie' && sealingKeys === undefined) {
    const shape = '{"keys":[{"kty":"oct","alg":"A256GCM","kid":"1","k":"<32 bytes, base64url>"}]}';
    reading.refuse('SEALING_KEYS', `is needed for STRATEGY=sealed-cookie: ${shape}`);
  }
  if (isSigned(strategy) && keys === 'given' && tokenKey === undefined) {
    const cure = 'newTokenKey() makes one, or set KEYS=postgres';
    reading.refuse('TOKEN_KEY', `is needed for STRATEGY=${strategy}: ${cure}`);
  }
  if (tokenKey !== undefined && isForDevelopment(tokenKey) && !isLoopback(host)) {
    const cure = 'make one for production, or set KEYS=postgres';
    reading.refuse('TOKEN_KEY', `this key was made for development, and HOST is ${host}: ${cure}`);
  }
}

function judgeServices(config: Config, reading: Reading): void {
  const { store, sessionStoreUrl, revocations, revocationsUrl, redisUrl } = config;
  const isInRedis = store === 'redis' || store === 'cached';
  const uses = [
    ...(isInRedis && sessionStoreUrl === undefined ? [`STORE=${store}`] : []),
    ...(revocations === 'redis' && revocationsUrl === undefined ? ['REVOCATIONS=redis'] : []),
  ];
  if (redisUrl !== undefined || uses.length === 0) return;
  reading.refuse('REDIS_URL', `is needed for ${uses.join(' and ')}`);
}

function isSigned(strategy: Config['strategy']): boolean {
  return strategy === 'token' || strategy === 'token-with-revocation';
}

/** Until a token ends, nobody can call it back, or only those who know of the endings. */
function judgeTokens({ strategy, revocations, accessTokenMs }: Config, reading: Reading): void {
  if (!isSigned(strategy)) return;
  const isFinal = strategy === 'token' && revocations === 'none';
  if (isFinal && accessTokenMs > irrevocableMsMax) {
    const cure = `at most ${irrevocableMsMax}, or STRATEGY=token-with-revocation`;
    reading.refuse('ACCESS_TOKEN_MS', `nobody can call such a token back: ${cure}`);
  } else if (accessTokenMs > lifetimes.accessTokenMs) {
    const shorter = `${lifetimes.accessTokenMs} at most is advised`;
    reading.warnings.push(`ACCESS_TOKEN_MS: ${accessTokenMs} is long for a token: ${shorter}`);
  }
}

/** Names that other cookies have, ours and the gateway's. */
const takenNames = /^(device$|affinity_)/;

function judgeAccounts(config: Config, reading: Reading): void {
  if (config.strategy === 'session' && !reachesSessions(config)) {
    const why = 'memory holds no session that began elsewhere, as with ACCOUNTS=none all do';
    reading.refuse('STORE', `${why}: name the store that the other servers use`);
  }
  if (takenNames.test(config.cookieName)) {
    reading.refuse('COOKIE_NAME', `${config.cookieName} is the name of another cookie`);
  }
}

function judgeAudit(config: Config, reading: Reading): void {
  const { auditFolder, auditKey, auditAnchor, auditRetainMs } = config;
  const isLogged = auditFolder !== undefined;
  if (auditKey !== undefined && !isLogged)
    reading.refuse('AUDIT_KEY', 'signs no log: set AUDIT_FOLDER');
  if (auditAnchor !== undefined && !isLogged) {
    reading.refuse('AUDIT_ANCHOR', 'holds no log: set AUDIT_FOLDER');
  }
  if (auditRetainMs > 0 && auditAnchor === undefined) {
    reading.refuse('AUDIT_RETAIN_MS', 'nothing is deleted that is not anchored: set AUDIT_ANCHOR');
  }
}

function judgeMemory(config: Config, { warnings }: Reading): void {
  const { strategy, store, revocations } = config;
  const alone = 'and other servers do not know them';
  if (store === 'memory' && strategy !== 'sealed-cookie' && reachesSessions(config)) {
    warnings.push(`STORE: memory: sessions end with this process, ${alone}`);
  }
  if (revocations === 'memory') {
    warnings.push(`REVOCATIONS: memory: endings are forgotten with this process, ${alone}`);
  }
  const policy = assurance[config.assurance];
  for (const [name, key] of [
    ['IDLE_MS', 'idleMs'],
    ['ABSOLUTE_MS', 'absoluteMs'],
    ['FRESH_MS', 'freshMs'],
  ] as const) {
    if (config[key] <= policy[key]) continue;
    warnings.push(`${name}: ${config[key]} is longer than ASSURANCE=${config.assurance} allows`);
  }
}

/** The mark that standalone.ts puts into the key that it makes. */
export const developmentMark = { development: true } as const;

function isForDevelopment(key: string): boolean {
  const { keys, ...only } = JSON.parse(key);
  const all: readonly unknown[] = Array.isArray(keys) ? [only, ...keys] : [only];
  return all.some((each) => typeof each === 'object' && each !== null && 'development' in each);
}
