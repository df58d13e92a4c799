// Does a login cost more than its password hash? Logins over HTTP, and hashes alone at the setting
// and parallelism of the server, in turns. Both have the whole machine, since both are bound by the
// processor. Sessions are in memory and accounts in PostgreSQL, as they always are.

import { argon2, randomBytes } from 'node:crypto';
import { promisify } from 'node:util';
import autocannon from 'autocannon';
import { hashingDefaults } from '../src/accounts/password.ts';
import { openBacking } from '../src/backing/backing.ts';
import { median } from './compare.ts';
import type { How } from './requests.ts';
import { start } from './running.ts';
import { ours } from './subjects.ts';

const { memoryKib, passes, lanes, runningMax } = hashingDefaults;
const hash = promisify(argon2);
const password = 'correct horse';

export async function compareLogins({ rounds, seconds, json }: How): Promise<void> {
  await using backing = await openBacking();
  const databaseUrl = await backing.createDatabase('bench');
  const env = { STRATEGY: 'session', STORE: 'memory' };
  await using server = await start(ours('memory', { databaseUrl }, env), false);
  await logIns(server.url, 1);
  const alone: number[] = [];
  const served: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    alone.push(await hashes(seconds));
    served.push(await logIns(server.url, seconds));
  }
  const share = median(served.map((each, at) => each / (alone[at] ?? Number.NaN)));
  const [hashesPerSecond, loginsPerSecond] = [median(alone), median(served)];
  if (json) {
    console.log(JSON.stringify({ rounds, seconds, hashesPerSecond, loginsPerSecond, share }));
    return;
  }
  const setting = `Argon2id, ${memoryKib} KiB, ${passes} passes, ${lanes} lane, ${runningMax} at once`;
  console.log(`POST /login · ${setting} · ${rounds} rounds of ${seconds} s · medians`);
  print('hashes alone, per second', hashesPerSecond, 1);
  print('logins over HTTP, per second', loginsPerSecond, 1);
  print('share', share, 2);
}

async function hashes(seconds: number): Promise<number> {
  const cost = { parallelism: lanes, tagLength: 32, memory: memoryKib, passes };
  const startedMs = performance.now();
  const endMs = startedMs + seconds * 1_000;
  let count = 0;
  const one = async () => {
    while (performance.now() < endMs) {
      await hash('argon2id', { message: password, nonce: randomBytes(16), ...cost });
      count += 1;
    }
  };
  await Promise.all(Array.from({ length: runningMax }, one));
  return (count * 1_000) / (performance.now() - startedMs);
}

/** Twice as many at once as can be hashed, so that the next one is there when one is done. */
async function logIns(url: string, seconds: number): Promise<number> {
  const result = await autocannon({
    url: `${url}/login`,
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ username: 'alice', password }),
    connections: 2 * runningMax,
    duration: seconds,
  });
  if (result.non2xx > 0 || result.errors > 0) {
    throw new Error(`${result.non2xx} refusals, ${result.errors} errors`);
  }
  return result['2xx'] / result.duration;
}

function print(what: string, figure: number, digits: number): void {
  console.log(`${what.padEnd(30)}${figure.toFixed(digits).padStart(9)}`);
}
