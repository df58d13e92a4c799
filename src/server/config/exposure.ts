// What a server that others can reach must not do with passwords and cookies. HAZARDS says what
// follows, as it does for the services that a server stands on; on loopback without a proxy, where
// tests and experiments run, nothing is asked.

import type { Config } from '../config.ts';
import { isLoopback, isReachable } from './kinds.ts';
import type { Reading } from './reading.ts';
import { isTransferExposed } from './transfer-settings.ts';

/** OWASP Password Storage Cheat Sheet, Argon2id: the least memory for so many passes. */
const leastMemoryKib = [47_104, 19_456, 12_288, 9_216, 7_168];
/** NIST SP 800-63B-4 section 3.2.2: at most so many failures of one account. */
const failuresMaxAdvised = 100;

export function judgeExposure(config: Config, reading: Reading): void {
  if (!isReachable(config.host, config.trustProxy)) return;
  for (const [name, why] of hazardsOf(config)) {
    if (config.hazards === 'refuse')
      reading.refuse(name, `${why}; or take the risk by HAZARDS=warn`);
    else if (config.hazards === 'warn') reading.warnings.push(`${name}: ${why}`);
  }
  const { logLevel, loginFailuresMax } = config;
  if (loginFailuresMax > failuresMaxAdvised) {
    const why = `${loginFailuresMax} an hour lets passwords be guessed`;
    reading.warnings.push(`LOGIN_FAILURES_MAX: ${why}; ${failuresMaxAdvised} at most is advised`);
  }
  if (logLevel !== 'info' && logLevel !== 'debug') {
    reading.warnings.push(`LOG_LEVEL: ${logLevel} keeps security events out of the log`);
  }
}

function hazardsOf(config: Config) {
  const { host, secureCookies, hashMemoryKib, hashPasses } = config;
  const found: [name: string, why: string][] = [];
  if (isTransferExposed(config)) {
    const why = `HOST is ${host}, and credentials and files would go over the network in the clear`;
    found.push(['TRANSFER_TLS_CERT_FILE', why]);
  }
  if (!secureCookies && isLoopback(host)) {
    found.push([
      'SECURE_COOKIES',
      'false is for loopback, and the proxy of TRUST_PROXY is in front',
    ]);
  }
  const least = leastMemoryKib[Math.min(hashPasses, leastMemoryKib.length) - 1] ?? 0;
  if (hashMemoryKib < least) {
    const why = `${hashMemoryKib} is too cheap to guess with PASSWORD_HASH_PASSES=${hashPasses}`;
    found.push(['PASSWORD_HASH_MEMORY_KIB', `${why}: ${least} at least`]);
  }
  return found;
}
