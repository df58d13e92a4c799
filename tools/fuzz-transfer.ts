// Tries malformed frames against the transfer: `npm run fuzz:transfer -- --count 5000000 --seed
// monday`. All of them go through the receivers of both sides, in this process; one in a hundred as
// many go to a real server. The same seed makes the same mutants. Ends with an error when something
// crashed, grew, hung, or was written where it does not belong.

import { parseArgs } from 'node:util';
import { attack } from '../test/transfer/frame-attack.ts';
import { socketAttack } from '../test/transfer/socket-attack.ts';

const { values } = parseArgs({
  options: {
    count: { type: 'string', default: '1000000' },
    seed: { type: 'string', default: new Date().toISOString() },
  },
});
const count = Number(values.count);
const grownBytesMax = 32 * 1024 ** 2;

const say = (text: string) => {
  if (process.stderr.isTTY) process.stderr.write(`\r\u001b[K${text}`);
};
const started = performance.now();
const frames = attack(count, values.seed, (tried) => say(`${tried.toLocaleString('en')} frames`));
const sockets = await socketAttack(Math.ceil(count / 100), values.seed, (tried) =>
  say(`${tried.toLocaleString('en')} connections`),
);
say('');

const byCount = (counts: Readonly<Record<string, number>>) =>
  Object.entries(counts)
    .toSorted(([, one], [, other]) => other - one)
    .map(([name, number]) => [`  ${name}`, number] as const);
const kibibytes = (bytes: number) => Math.round(bytes / 1024);
const lines = [
  ['malformed streams of frames', frames.malformed],
  ...byCount(frames.byOutcome),
  ['mutants that were harmless', frames.harmless],
  ['memory grown by, KiB', kibibytes(frames.grownBytes)],
  ['connections to a real server', sockets.connections],
  ...byCount(sockets.byOutcome),
  ['slowest answer, ms', Math.round(sockets.slowestMs)],
  ['memory of the server grown by, KiB', kibibytes(sockets.grownBytes)],
  ['files stored, all of them whole', sockets.filesStored],
  ['seconds', Math.round((performance.now() - started) / 1000)],
] as const;
for (const [label, number] of lines) {
  console.log(`${label.padEnd(36)}${number.toLocaleString('en').padStart(12)}`);
}
const wrong = [
  ...[...frames.wrong, ...sockets.wrong],
  ...[frames, sockets].flatMap(({ grownBytes }) =>
    grownBytes > grownBytesMax ? [`memory grew by ${kibibytes(grownBytes)} KiB`] : [],
  ),
];
for (const each of wrong) console.error(each);
console.log(`${wrong.length === 0 ? '✓ nothing went wrong' : '✗ see above'}; seed ${values.seed}`);
if (wrong.length > 0) process.exitCode = 1;
