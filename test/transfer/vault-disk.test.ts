// A disk that is full: a file is stored whole or not at all, what arrived is kept, and when there
// is room again the same upload goes on. The disk is a real one that is small, or a process may
// write no larger file.

import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { Folder } from '../../src/transfer/vault/folder.ts';
import { numberedFile } from './numbered-file.ts';
import {
  alice,
  begin,
  codeOf,
  contentOf,
  send,
  sha256,
  store,
  temporaryFolder,
  upload,
  vaultIn,
} from './vault-ground.ts';

const canMount = process.platform === 'linux' && process.getuid?.() === 0;
const full = { code: 'vault-unavailable', detail: expect.stringContaining('disk is full') };
const failure = (work: Promise<unknown>) =>
  work.then(
    () => 'none',
    (error: unknown) => error,
  );

/** Once, after so many times that names were made durable, the disk says that it failed. */
function failSync(after: number): void {
  const { sync } = Folder.prototype;
  let left = after;
  const spy = vi.spyOn(Folder.prototype, 'sync').mockImplementation(function (this: Folder) {
    left -= 1;
    if (left >= 0 || left < -1) return sync.call(this);
    throw Object.assign(new Error('EIO'), { code: 'EIO', syscall: 'fsync' });
  });
  onTestFinished(() => spy.mockRestore());
}

/** A disk of two megabytes, and how to fill it. */
function smallDisk() {
  const disk = temporaryFolder();
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', disk], { stdio: 'ignore' });
  onTestFinished(() => void execFileSync('umount', ['--lazy', disk]));
  const filler = join(disk, 'filler');
  return {
    folder: join(disk, 'vault'),
    fill() {
      try {
        writeFileSync(filler, randomBytes(4_000_000));
      } catch {}
    },
    free: () => rmSync(filler),
  };
}

test.runIf(canMount)(
  'on a full disk nothing is half stored, and with room again it goes on',
  async () => {
    const disk = smallDisk();
    const vault = await vaultIn(disk.folder);
    const before = await store(vault, alice, randomBytes(10_000));
    const content = randomBytes(1_200_000);
    const request = upload(content.length);

    const first = await begin(vault, alice, request);
    await first.write(content.subarray(0, 300_000));
    disk.fill();
    const rest = first.write(content.subarray(300_000)).then(() => first.commit(sha256(content)));
    expect(await failure(rest)).toMatchObject(full);
    await first[Symbol.asyncDispose]();
    expect(await vault.list(alice)).toEqual([before]);

    disk.free();
    const second = await begin(vault, alice, request);
    expect(second.offset).toBeGreaterThanOrEqual(300_000);
    expect(second.sha256).toBe(sha256(content.subarray(0, second.offset)));
    for (let at = second.offset; at < content.length; at += 100_000) {
      await second.write(content.subarray(at, at + 100_000));
    }
    await second.write(Buffer.of()); // The rest is with the system when this resolves.
    disk.fill();
    // All of the content is there, and no room for its record.
    expect(await failure(second.commit(sha256(content)))).toMatchObject(full);
    expect(await failure(store(vault, alice, randomBytes(5_000)))).toMatchObject(full);
    expect(await vault.list(alice)).toEqual([before]);
    expect(readdirSync(join(disk.folder, 'files'))).toEqual([before.id]);

    disk.free();
    const third = await begin(vault, alice, request);
    expect(third.offset).toBe(content.length);
    const { id } = await third.commit(sha256(content));
    expect(await contentOf(vault, alice, id)).toEqual(content);
  },
);

test('a process that may write no larger file says so, stores what it can, and loses nothing', async () => {
  const folder = temporaryFolder();
  const numbers = Array.from({ length: 200 }, (_, number) => number);
  const bytesOf = (number: number) => numberedFile(number).content.length;
  const large = numbers.find((number) => bytesOf(number) > 1_000_000) ?? 0;
  const small = numbers.find((number) => bytesOf(number) < 100_000) ?? 0;
  const program = join(import.meta.dirname, 'squeezed-vault.ts');
  const words = ['-c', 'ulimit -f 600 && exec "$@"', 'bash', process.execPath, program, folder];
  const said = execFileSync('bash', [...words, `${large}`, `${small}`], { encoding: 'utf8' });
  const [ofLarge, ofSmall] = said
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(ofLarge).toMatchObject({ number: `${large}`, ...full });
  expect(ofSmall).toEqual({ number: `${small}` });

  const vault = await vaultIn(folder);
  expect((await vault.list(alice)).map(({ name }) => name)).toEqual([`${small}`]);
  const { request, content } = numberedFile(large);
  await using again = await begin(vault, alice, request);
  expect(again.offset).toBe(600 * 1024);
  expect(again.sha256).toBe(sha256(content.subarray(0, again.offset)));
  expect((await send(again, content)).sha256).toBe(sha256(content));
});

test('when a name may not last there is no receipt until the disk was looked at anew', async () => {
  const folder = temporaryFolder();
  const vault = await vaultIn(folder);
  const { request, content } = numberedFile(1);
  const before = await store(vault, alice, content);
  const underWay = await begin(vault, alice, upload(3));
  const first = await begin(vault, alice, request);
  // The first makes the names in the file's own folder durable.
  failSync(1);
  expect(await codeOf(send(first, content))).toBe('vault-unavailable');
  expect(await codeOf(begin(vault, alice, request))).toBe('vault-unavailable');
  expect(await codeOf(send(underWay, Buffer.from('abc')))).toBe('vault-unavailable');
  expect(await codeOf(vault.remove(alice, before.id))).toBe('vault-unavailable');
  expect(await vault.list(alice)).toEqual([before]);
  await vault[Symbol.asyncDispose]();
  const next = await vaultIn(folder);
  await using again = await begin(next, alice, request);
  expect((await again.commit(sha256(content))).sha256).toBe(sha256(content));
});

test('a removal that may not last is never taken for one that was done before', async () => {
  const folder = temporaryFolder();
  const vault = await vaultIn(folder, { userBytesMax: 10 });
  const { id } = await store(vault, alice, Buffer.alloc(10, 'x'));
  failSync(0);
  const remove = () => codeOf(vault.remove(alice, id));
  expect([await remove(), await remove()]).toEqual(['vault-unavailable', 'vault-unavailable']);
  await vault[Symbol.asyncDispose]();
  const next = await vaultIn(folder, { userBytesMax: 10 });
  expect(await next.remove(alice, id)).toBe(false);
  expect((await store(next, alice, Buffer.alloc(10, 'y'))).bytes).toBe(10);
});
