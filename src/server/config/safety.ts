// What is allowed setting by setting and yet not safe together. It is refused at the start, each
// with what to do, because nobody reads a warning of a server that runs. What may be right and may
// be wrong, and only the operator can know, is a warning.

import { assurance } from '../../core/assurance.ts';
import { lifetimes } from '../../core/limits.ts';
import type { Config } from '../config.ts';
import { isLoopback } from './kinds.ts';
import type { Reading } from './reading.ts';
import { isRecalledByLog } from './session-settings.ts';

const irrevocableMsMax = 15 * 60_000;

export function judge(config: Config, reading: Reading): void {
  judgeTransport(config, reading);
  judgeKeys(config, reading);
  judgeTokens(config, reading);
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
  const { strategy, revocations, sealingKeys, tokenKey, host } = config;
  if (isRecalledByLog(strategy) && revocations === 'none') {
    reading.refuse('REVOCATIONS', `none leaves STRATEGY=${strategy} without revocation`);
  }
  if (strategy === 'sealed-cookie' && sealingKeys === undefined) {
    const shape = '{"keys":[{"kty":"oct","alg":"A256GCM","kid":"1","k":"<32 bytes, base64url>"}]}';
    reading.refuse('SEALING_KEYS', `is needed for STRATEGY=sealed-cookie: ${shape}`);
  }
  if (tokenKey !== undefined && isForDevelopment(tokenKey) && !isLoopback(host)) {
    const cure = 'make one for production, or set KEYS=postgres';
    reading.refuse('TOKEN_KEY', `this key was made for development, and HOST is ${host}: ${cure}`);
  }
}

/** Until a token ends, nobody can call it back, or only those who know of the endings. */
function judgeTokens({ strategy, revocations, accessTokenMs }: Config, reading: Reading): void {
  if (strategy !== 'token' && strategy !== 'token-with-revocation') return;
  const isFinal = strategy === 'token' && revocations === 'none';
  if (isFinal && accessTokenMs > irrevocableMsMax) {
    const cure = `at most ${irrevocableMsMax}, or STRATEGY=token-with-revocation`;
    reading.refuse('ACCESS_TOKEN_MS', `nobody can call such a token back: ${cure}`);
  } else if (accessTokenMs > lifetimes.accessTokenMs) {
    const shorter = `${lifetimes.accessTokenMs} at most is advised`;
    reading.warnings.push(`ACCESS_TOKEN_MS: ${accessTokenMs} is long for a token: ${shorter}`);
  }
}

function judgeMemory(config: Config, { warnings }: Reading): void {
  const { strategy, store, revocations } = config;
  const alone = 'and other servers do not know them';
  if (store === 'memory' && strategy !== 'sealed-cookie') {
    warnings.push(`STORE: memory: sessions end with this process, ${alone}`);
  }
  if (revocations === 'memory') {
    warnings.push(`REVOCATIONS: memory: endings are forgotten with this process, ${alone}`);
  }
  const policy = assurance[config.assurance];
  for (const [name, key] of [
    ['IDLE_MS', 'idleMs'],
    ['ABSOLUTE_MS', 'absoluteMs'],
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
