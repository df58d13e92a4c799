// Quotas under uploads side by side: the bounds are exact, whoever comes at the same time, and room
// that nothing takes any more can be had again.

import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Vault, Visitor } from '../../src/transfer/vault.ts';
import {
  alice,
  begin,
  bob,
  codeOf,
  send,
  sha256,
  store,
  temporaryFolder,
  upload,
  vaultIn,
} from './vault-ground.ts';

const bytes = (count: number) => Buffer.alloc(count, 'x');

/** How many bytes are on the disk, of files and of parts. */
function onDisk(folder: string): number {
  const contents = ['files', 'incoming'].flatMap((shelf) =>
    readdirSync(join(folder, shelf)).map((name) => join(folder, shelf, name, 'content')),
  );
  return contents.reduce((sum, file) => sum + statSync(file).size, 0);
}

/** Whether an upload of so many bytes may begin. */
async function fits(vault: Vault, owner: Visitor, size: number): Promise<boolean> {
  const code = await codeOf(
    begin(vault, owner, upload(size)).then((begun) => begun[Symbol.asyncDispose]()),
  );
  expect(code).toMatch(/^none$|^quota-exceeded$/);
  return code === 'none';
}

test('of uploads side by side as many begin as there is room for [ASVS 5.2.4]', async () => {
  const folder = temporaryFolder();
  const vault = await vaultIn(folder, { userBytesMax: 1_000, bytesMax: 1_750 });
  const start = (owner: Visitor) =>
    Array.from({ length: 20 }, () => codeOf(store(vault, owner, bytes(100))));
  const ofAlice = await Promise.all(start(alice));
  expect(ofAlice.filter((code) => code === 'none')).toHaveLength(10);
  const ofOthers = await Promise.all([...start(bob), ...start({ userId: 'c', userName: 'c' })]);
  expect(ofOthers.filter((code) => code === 'none')).toHaveLength(7);
  expect(new Set([...ofAlice, ...ofOthers])).toEqual(new Set(['none', 'quota-exceeded']));
  expect(onDisk(folder)).toBe(1_700);
  const dave = { userId: 'd', userName: 'd' };
  expect([await fits(vault, dave, 51), await fits(vault, dave, 50)]).toEqual([false, true]);
});

test('uploads of unknown size stop where the room ends, to the byte', async () => {
  const folder = temporaryFolder();
  const vault = await vaultIn(folder, { userBytesMax: 1_000 });
  const sizes = [1, 7, 13, 50, 111];
  const sent = await Promise.all(
    sizes.map(async (piece) => {
      await using begun = await begin(vault, alice, upload(null));
      let taken = 0;
      for (;;) {
        const code = await codeOf(begun.write(bytes(piece)));
        if (code === 'quota-exceeded') break;
        expect(code).toBe('none');
        taken += piece;
      }
      await begun.commit(sha256(bytes(taken)));
      return taken;
    }),
  );
  // Whoever sends byte after byte finds the last one.
  expect(sent.reduce((sum, each) => sum + each)).toBe(1_000);
  expect(onDisk(folder)).toBe(1_000);
});

test('a user has no more files than so many, be they empty [ASVS 5.2.4]', async () => {
  const vault = await vaultIn(temporaryFolder(), { userFilesMax: 3 });
  const codes = await Promise.all(
    Array.from({ length: 5 }, () => codeOf(store(vault, alice, bytes(0)))),
  );
  expect(codes.filter((code) => code === 'none')).toHaveLength(3);
  expect(await codeOf(store(vault, bob, bytes(0)))).toBe('none');
  const [first] = await vault.list(alice);
  await vault.remove(alice, first?.id ?? '');
  expect(await codeOf(store(vault, alice, bytes(0)))).toBe('none');
});

test('a part that nobody works on gives way to its owner’s next upload, the oldest first', async () => {
  let now = 0;
  const clock = { now: () => (now += 1) };
  const folder = temporaryFolder();
  const vault = await vaultIn(folder, { userBytesMax: 1_000, clock });
  const part = async (owner: Visitor, size: number) => {
    const request = upload(1_000);
    await using begun = await begin(vault, owner, request);
    await begun.write(bytes(size));
    return request;
  };
  const ofBob = await part(bob, 10);
  const old = await part(alice, 400);
  const young = { ...(await part(alice, 300)), bytes: 300 };
  await store(vault, alice, bytes(700));
  const offset = async (owner: Visitor, request: typeof old) => {
    await using begun = await begin(vault, owner, request);
    return begun.offset;
  };
  expect(await offset(alice, young)).toBe(300);
  expect(await codeOf(offset(alice, old))).toBe('quota-exceeded');
  expect(await offset(bob, ofBob)).toBe(10);
  // One that is under way does not give way.
  await using _ = await begin(vault, alice, young);
  expect(await fits(vault, alice, 1)).toBe(false);
});

/** Parts of these sizes, on which nobody works. */
async function leave(vault: Vault, ...sizes: number[]) {
  const requests = sizes.map((size) => upload(size + 1));
  for (const [index, request] of requests.entries()) {
    await using begun = await begin(vault, alice, request);
    await begun.write(bytes(sizes[index] ?? 0));
  }
  return requests;
}

test('a part that gives way while its upload goes on again holds nobody up', async () => {
  for (let moments = 0; moments < 12; moments += 1) {
    const vault = await vaultIn(temporaryFolder(), { userBytesMax: 1_000 });
    const [idle = upload(0)] = await leave(vault, 400);
    const large = codeOf(begin(vault, alice, upload(1_000)));
    for (let moment = 0; moment < moments; moment += 1) await undefined;
    const again = codeOf(begin(vault, alice, idle));
    expect(new Set([await large, await again])).toEqual(new Set(['none', 'quota-exceeded']));
    await vault[Symbol.asyncDispose]();
  }
});

test('where many parts give way at once the bounds stay exact', async () => {
  const folder = temporaryFolder();
  const vault = await vaultIn(folder, { userBytesMax: 1_000, userFilesMax: 12 });
  await leave(vault, ...Array.from({ length: 10 }, () => 100));
  const begun = await Promise.allSettled(
    Array.from({ length: 20 }, () => begin(vault, alice, upload(300))),
  );
  const fitting = begun.flatMap((each) => (each.status === 'fulfilled' ? each.value : []));
  expect(fitting).toHaveLength(3);
  expect([await fits(vault, alice, 101), await fits(vault, alice, 100)]).toEqual([false, true]);
  for (const each of fitting) await each[Symbol.asyncDispose]();
  expect([await fits(vault, alice, 1_001), await fits(vault, alice, 1_000)]).toEqual([false, true]);
  expect(onDisk(folder)).toBe(0);
});

test('what cannot fit makes no part give way, and what grows does', async () => {
  const vault = await vaultIn(temporaryFolder(), { userBytesMax: 1_000, bytesMax: 1_500 });
  await store(vault, bob, bytes(1_000));
  const [first = upload(0), second = upload(0)] = await leave(vault, 100, 200);
  const offsets = async () => {
    await using one = await begin(vault, alice, first);
    await using other = await begin(vault, alice, second);
    return [one.offset, other.offset];
  };
  // More than a user may have, and more than there is room for in all.
  for (const size of [1_001, 501]) expect(await fits(vault, alice, size)).toBe(false);
  expect(await offsets()).toEqual([100, 200]);
  await using growing = await begin(vault, alice, upload(null));
  for (let sent = 0; sent < 500; sent += 50) await growing.write(bytes(50));
  expect(await codeOf(growing.write(bytes(1)))).toBe('quota-exceeded');
  expect((await growing.commit(sha256(bytes(500)))).bytes).toBe(500);
  expect(await fits(vault, alice, 1)).toBe(false);
});

interface Step {
  readonly owner: Visitor;
  readonly size: number;
  readonly how: 'store' | 'unknown' | 'part' | 'wrong' | 'remove' | 'repeat';
}
const step = fc.record<Step>({
  owner: fc.constantFrom(alice, bob),
  size: fc.integer({ min: 0, max: 400 }),
  how: fc.constantFrom('store', 'unknown', 'part', 'wrong', 'remove', 'repeat'),
});

async function take(vault: Vault, { owner, size, how }: Step): Promise<void> {
  if (how === 'remove') {
    const [first] = await vault.list(owner);
    if (first) await vault.remove(owner, first.id);
    return;
  }
  const request = upload(how === 'unknown' ? null : size + (how === 'part' ? 50 : 0));
  await using begun = await begin(vault, owner, request);
  if (how === 'store' || how === 'unknown') await send(begun, bytes(size), 60);
  else {
    await begun.write(bytes(size));
    if (how === 'wrong') await begun.commit(sha256(Buffer.of(1)));
    if (how === 'repeat') await begin(vault, owner, request).then((again) => again.commit(''));
  }
}

const steps = fc.array(fc.array(step, { maxLength: 8 }), { maxLength: 5 });

test('whatever happens side by side, what is counted is what is there, also by the next', async () => {
  const userBytesMax = 1_000;
  const expected = /^(none|quota-exceeded|digest-mismatch|upload-taken-over)$/;
  await fc.assert(
    fc.asyncProperty(steps, fc.boolean(), async (all, isRestarted) => {
      const folder = temporaryFolder();
      let vault = await vaultIn(folder, { userBytesMax });
      for (const together of all) {
        const codes = await Promise.all(together.map((each) => codeOf(take(vault, each))));
        for (const code of codes) expect(code).toMatch(expected);
        expect(onDisk(folder)).toBeLessThanOrEqual(2 * userBytesMax);
      }
      if (isRestarted) {
        await vault[Symbol.asyncDispose]();
        vault = await vaultIn(folder, { userBytesMax });
      }
      // Parts give way, so only files take room from what may begin.
      for (const owner of [alice, bob]) {
        const used = (await vault.list(owner)).reduce((sum, file) => sum + file.bytes, 0);
        expect(await fits(vault, owner, userBytesMax - used + 1)).toBe(false);
        expect(await fits(vault, owner, userBytesMax - used)).toBe(true);
        for (const { id } of await vault.list(owner)) await vault.remove(owner, id);
        expect(await fits(vault, owner, userBytesMax)).toBe(true);
      }
      expect(onDisk(folder)).toBe(0);
      await vault[Symbol.asyncDispose]();
    }),
    { numRuns: 40 },
  );
});
