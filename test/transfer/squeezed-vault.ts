// Stores one file after another, in a process that may be forbidden to write large ones:
// squeezed-vault.ts <folder> <number>... Prints for each what became of it.

import { hash } from 'node:crypto';
import { openVault } from '../../src/transfer/vault.ts';
import { numberedFile } from './numbered-file.ts';

// A file that would grow over the limit is an error here, not the end.
process.on('SIGXFSZ', () => undefined);

const [folder = '', ...numbers] = process.argv.slice(2);
const bounds = { bytesMax: 1e9, userBytesMax: 1e9, fileBytesMax: 1e9 };
await using vault = await openVault({ folder, ...bounds, mismatch: 'refuse' });
const alice = { userId: 'alice-id', userName: 'alice' };

async function store(number: number): Promise<unknown> {
  const { request, content } = numberedFile(number);
  await using upload = await vault.begin(alice, request, () => undefined);
  for (let at = upload.offset; at < content.length; at += 100_000) {
    await upload.write(content.subarray(at, at + 100_000));
  }
  return await upload.commit(hash('sha256', content));
}

for (const number of numbers) {
  const outcome = await store(Number(number)).then(
    () => ({ number }),
    ({ code, detail }) => ({ number, code, detail }),
  );
  process.stdout.write(`${JSON.stringify(outcome)}\n`);
}
