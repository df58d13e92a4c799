// A process that stores files as fast as it can until it is killed: vault-writer.ts <folder> <next>
// <again>... It stores the numbers to be done again first, and then all from the next one on; some
// it removes. What it says it has said before it goes on.

import { hash } from 'node:crypto';
import { openVault } from '../../src/transfer/vault.ts';
import { numberedFile } from './numbered-file.ts';

export interface Said {
  readonly what: 'opening' | 'begun' | 'resumed' | 'stored' | 'removing' | 'removed' | 'wrong';
  readonly number: number;
}

const lanes = 4;
const piece = 20_000;
const alice = { userId: 'alice-id', userName: 'alice' };
const [folder = '', from, ...again] = process.argv.slice(2);
const todo = again.map(Number);
let next = Number(from);

process.on('disconnect', () => process.exit());

function say(what: Said['what'], number: number): Promise<void> {
  return new Promise((resolve) => void process.send?.({ what, number }, () => resolve()));
}

async function store(number: number): Promise<void> {
  const { request, content } = numberedFile(number);
  await say('begun', number);
  await using upload = await vault.begin(alice, request, () => undefined);
  const isPrefix = upload.sha256 === hash('sha256', content.subarray(0, upload.offset));
  if (!isPrefix) await say('wrong', number);
  if (upload.offset > 0 && !upload.stored) await say('resumed', number);
  for (let at = upload.offset; at < content.length; at += piece) {
    await upload.write(content.subarray(at, at + piece));
  }
  const { id } = await upload.commit(hash('sha256', content));
  await say('stored', number);
  if (number % 5 !== 0) return;
  await say('removing', number);
  await vault.remove(alice, id);
  await say('removed', number);
}

async function work(): Promise<never> {
  for (;;) {
    const number = todo.shift() ?? next++;
    await store(number);
  }
}

await say('opening', 0);
const bounds = { bytesMax: 1e12, userBytesMax: 1e12, fileBytesMax: 1e9, userFilesMax: 1e6 };
const vault = await openVault({ folder, ...bounds, mismatch: 'refuse' });
await Promise.all(Array.from({ length: lanes }, work));
