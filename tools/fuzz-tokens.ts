// Tries mutated tokens against the token strategy: `npm run fuzz -- --count 5000000 --seed monday`.
// The same seed makes the same mutations, of new tokens. Ends with an error when one is accepted.

import { parseArgs } from 'node:util';
import { attack } from '../test/strategies/token-attack.ts';

const { values } = parseArgs({
  options: {
    count: { type: 'string', default: '200000' },
    seed: { type: 'string', default: new Date().toISOString() },
  },
});

const started = performance.now();
const result = await attack(Number(values.count), values.seed, (tried) => {
  if (process.stderr.isTTY) process.stderr.write(`\r${tried.toLocaleString('en')} tried`);
});
if (process.stderr.isTTY) process.stderr.write('\r\u001b[K');

const lines = [
  ['mutated tokens tried', result.tried],
  ['  of them accepted', result.accepted.length],
  ['  whose signature was computed with', result.reachedCrypto],
  ['longer than a token may be', result.overlong],
  ['  whose signature was computed with', result.overlongReachedCrypto],
  ['seconds', Math.round((performance.now() - started) / 1000)],
] as const;
for (const [label, number] of lines) {
  console.log(`${label.padEnd(36)}${number.toLocaleString('en').padStart(12)}`);
}
console.log(`seed ${values.seed}`);
for (const each of result.accepted.slice(0, 20)) console.error(each);
if (result.accepted.length > 0 || result.overlongReachedCrypto > 0) process.exitCode = 1;
