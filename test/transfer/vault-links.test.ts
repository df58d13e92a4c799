// Links that somebody planted in the vault lead nowhere: nothing outside is read, written or
// removed, whatever the place, and what the vault was asked to do it does beside them.

import { execFileSync } from 'node:child_process';
import {
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { beforeEach, expect, test } from 'vitest';
import { openVaultForReading } from '../../src/transfer/vault.ts';
import {
  alice,
  begin,
  codeOf,
  contentOf,
  send,
  store,
  temporaryFolder,
  upload,
  vaultIn,
} from './vault-ground.ts';

const content = Buffer.from('what alice sends\n'.repeat(1_000));
const secret = 'what nobody may read or write\n';

let folder: string;
let outside: string;

beforeEach(() => {
  const ground = temporaryFolder();
  [folder, outside] = [join(ground, 'vault'), join(ground, 'outside')];
  mkdirSync(outside);
  for (const name of ['content', 'record.json', 'record.json.next', 'victim']) {
    writeFileSync(join(outside, name), secret);
  }
  return () => {
    const names = readdirSync(outside);
    expect(names.sort()).toEqual(['content', 'record.json', 'record.json.next', 'victim']);
    for (const name of names) expect(readFileSync(join(outside, name), 'utf8')).toBe(secret);
  };
});

/** An upload of which half is there, and the folder that it has in `incoming`. */
async function half() {
  const request = upload(content.length);
  const vault = await vaultIn(folder);
  const begun = await begin(vault, alice, request);
  await begun.write(content.subarray(0, 5_000));
  await begun[Symbol.asyncDispose]();
  const [name = ''] = readdirSync(join(folder, 'incoming'));
  return { request, vault, part: join(folder, 'incoming', name) };
}

function replace(path: string, plant: (path: string) => void): void {
  rmSync(path, { recursive: true, force: true });
  plant(path);
}

const planted: readonly (readonly [string, (path: string) => void])[] = [
  ['a link to a folder', (path) => symlinkSync(outside, path)],
  ['a link to a file', (path) => symlinkSync(join(outside, 'victim'), path)],
  ['another name of a file', (path) => linkSync(join(outside, 'victim'), path)],
  ['a link to nothing', (path) => symlinkSync(join(outside, 'nothing'), path)],
  ['a pipe', (path) => execFileSync('mkfifo', [path])],
  ['a folder', (path) => mkdirSync(path)],
];

test.each(['incoming', 'files', 'removed', 'lock'])(
  'a vault whose %s is a link is refused',
  async (name) => {
    mkdirSync(folder);
    symlinkSync(name === 'lock' ? join(outside, 'victim') : outside, join(folder, name));
    expect(await codeOf(vaultIn(folder))).toBe('vault-unavailable');
    expect(await (await openVaultForReading(folder)).list(alice)).toEqual([]);
  },
);

test.each(planted)(
  '%s in the place of a part is swept aside, and the upload begins anew',
  async (_, plant) => {
    for (const isRestarted of [false, true]) {
      for (const inside of ['', 'content']) {
        const { request, vault, part } = await half();
        if (isRestarted) await vault[Symbol.asyncDispose]();
        replace(join(part, inside), plant);
        const writing = isRestarted ? await vaultIn(folder) : vault;
        const begun = await begin(writing, alice, request);
        expect(begun.offset).toBe(0);
        const { id } = await send(begun, content);
        expect(await contentOf(writing, alice, id)).toEqual(content);
        await writing[Symbol.asyncDispose]();
      }
    }
  },
);

const leading = planted.filter(([what]) => what !== 'a folder');

test.each(leading)('%s where the record is to be is replaced', async (_, plant) => {
  for (const name of ['record.json', 'record.json.next']) {
    const { request, vault, part } = await half();
    replace(join(part, name), plant);
    const { id } = await send(await begin(vault, alice, request), content);
    if (name === 'record.json.next') replace(join(folder, 'files', id, name), plant);
    expect(await vault.share(alice, id, 'bob')).toBe(true);
    expect(await contentOf(vault, alice, id)).toEqual(content);
    await vault[Symbol.asyncDispose]();
  }
});

test.each(planted)('%s in the place of a stored file shows and opens nothing', async (_, plant) => {
  for (const inside of ['', 'content', 'record.json']) {
    const vault = await vaultIn(folder);
    const { id } = await store(vault, alice, content);
    const copy = mkdtempSync(join(folder, 'copy-'));
    renameSync(join(folder, 'files', id), join(copy, id));
    execFileSync('cp', ['-r', join(copy, id), join(folder, 'files', id)]);
    replace(join(folder, 'files', id, inside), plant);
    const reading = await openVaultForReading(folder);
    if (inside !== 'record.json') expect(await vault.open(alice, id)).toBeUndefined();
    expect(await reading.open(alice, id)).toBeUndefined();
    if (inside !== 'content') expect(await reading.list(alice)).toEqual([]);
    await vault[Symbol.asyncDispose]();
    const next = await vaultIn(folder);
    expect(await next.open(alice, id)).toBeUndefined();
    await next.remove(alice, id);
    await next[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true });
  }
});

test('a whole file elsewhere is not one of the vault, though a link leads to it', async () => {
  const vault = await vaultIn(folder);
  const { id } = await store(vault, alice, content);
  await vault[Symbol.asyncDispose]();
  renameSync(join(folder, 'files', id), join(folder, id));
  symlinkSync(join(folder, id), join(folder, 'files', id));
  for (const each of [await vaultIn(folder), await openVaultForReading(folder)]) {
    expect(await each.list(alice)).toEqual([]);
    expect(await each.open(alice, id)).toBeUndefined();
  }
});

test('links in what is on its way out are removed, and not what they lead to', async () => {
  const ends = { removed: '0'.repeat(16), incoming: '0'.repeat(32) };
  for (const [shelf, end] of Object.entries(ends)) {
    const [deep, link] = ['a', 'b'].map((digit) =>
      join(folder, shelf, `${digit.repeat(32)}.${end}`),
    );
    mkdirSync(deep ?? '', { recursive: true });
    symlinkSync(outside, join(deep ?? '', 'link'));
    symlinkSync(outside, link ?? '');
  }
  await vaultIn(folder);
  expect([readdirSync(join(folder, 'removed')), readdirSync(join(folder, 'incoming'))]).toEqual([
    [],
    [],
  ]);
});

test('a link put in the way while bytes arrive diverts none of them', async () => {
  const { request, vault, part } = await half();
  const begun = await begin(vault, alice, request);
  renameSync(part, join(folder, 'moved'));
  symlinkSync(outside, part);
  await codeOf(send(begun, content));
  await begun[Symbol.asyncDispose]();
  await vault[Symbol.asyncDispose]();
  const next = await vaultIn(folder);
  expect(await next.list(alice)).toEqual([]);
  expect((await store(next, alice, content)).bytes).toBe(content.length);
});
