// A vault that another process writes, seen from beside: whoever asks sees all that was
// acknowledged before, and looking costs little, however many ask.

import { expect, onTestFinished, test, vi } from 'vitest';
import { Folder } from '../../src/transfer/vault/folder.ts';
import { openVaultForReading, type Vault } from '../../src/transfer/vault.ts';
import { alice, bob, store, temporaryFolder, vaultIn } from './vault-ground.ts';

const files = 20;

/** A vault with some files, one that reads it, and how many files it has looked at. */
async function start() {
  const folder = temporaryFolder();
  const vault = await vaultIn(folder);
  for (let count = 0; count < files; count += 1) await store(vault, alice, Buffer.of(count));
  const spy = vi.spyOn(Folder.prototype, 'fileStamp');
  onTestFinished(() => spy.mockRestore());
  const reading = await openVaultForReading(folder);
  const looks = async (work: () => Promise<unknown>) => {
    const before = spy.mock.calls.length;
    await work();
    return spy.mock.calls.length - before;
  };
  return { vault, reading, looks };
}

test('however many list a vault at once, they look at it twice at most', async () => {
  const { reading, looks } = await start();
  const lists = () => Promise.all(Array.from({ length: 50 }, () => reading.list(alice)));
  expect(await looks(lists)).toBeLessThanOrEqual(2 * files);
  expect(await reading.list(alice)).toHaveLength(files);
});

const changes: readonly (readonly [string, (vault: Vault) => Promise<unknown>])[] = [
  ['stored', (vault) => store(vault, bob, Buffer.from('new'))],
  ['removed', async (vault) => vault.remove(alice, (await vault.list(alice))[3]?.id ?? '')],
  ['shared', async (vault) => vault.share(alice, (await vault.list(alice))[5]?.id ?? '', 'bob')],
];

test.each(changes)(
  'a vault in which nothing happens is not looked at again until a file is %s',
  async (_, change) => {
    const { vault, reading, looks } = await start();
    const list = () => reading.list(bob);
    await expect.poll(() => looks(list), { timeout: 20_000 }).toBe(0);
    await change(vault);
    for (const visitor of [alice, bob]) {
      expect(await reading.list(visitor)).toEqual(await vault.list(visitor));
    }
  },
);
