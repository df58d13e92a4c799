// The vault as its callers see it: what is acknowledged is there, for whom it is, and under one
// name; what is not is nowhere to be seen, and can be gone on with.

import { randomBytes } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openVaultForReading } from '../../src/transfer/vault.ts';
import {
  alice,
  begin,
  bob,
  codeOf,
  contentOf,
  nobody,
  send,
  sha256,
  store,
  temporaryFolder,
  upload,
  vaultIn,
} from './vault-ground.ts';

const content = randomBytes(1_000_000);

test('what is acknowledged is there after a restart, and for readers beside', async () => {
  const folder = join(temporaryFolder(), 'deep', 'vault');
  const reading = await openVaultForReading(folder);
  expect(await reading.list(alice)).toEqual([]);
  const first = await vaultIn(folder);
  const record = await store(first, alice, content, { name: '../a\u202eb/Bericht.bin' });
  expect(record).toMatchObject({
    ...{ owner: 'alice-id', ownerName: 'alice', name: 'Bericht.bin', bytes: content.length },
    ...{ type: 'application/octet-stream', sha256: sha256(content), sharedWith: [] },
  });
  await first[Symbol.asyncDispose]();
  const second = await vaultIn(folder);
  for (const vault of [reading, second]) {
    expect(await vault.list(alice)).toEqual([record]);
    expect(await contentOf(vault, alice, record.id)).toEqual(content);
    expect(await contentOf(vault, alice, record.id, 999_990)).toEqual(content.subarray(999_990));
    expect(await contentOf(vault, alice, record.id, content.length)).toHaveLength(0);
  }
});

test('a file is its owner’s, and theirs with whom it is shared', async () => {
  const folder = temporaryFolder();
  const vault = await vaultIn(folder);
  const reading = await openVaultForReading(folder);
  const { id } = await store(vault, alice, content);
  const others = [bob, nobody, { userId: 'alice', userName: 'alice-id' }];
  for (const each of others) {
    for (const way of [vault, reading]) {
      expect(await way.list(each)).toEqual([]);
      expect(await way.open(each, id)).toBeUndefined();
    }
    expect(await vault.remove(each, id)).toBe(false);
    expect(await vault.share(each, id, each.userName || 'x')).toBe(false);
  }
  expect(
    await Promise.all([vault.share(alice, id, 'bob'), vault.share(alice, id, 'carol')]),
  ).toEqual([true, true]);
  for (const way of [vault, reading]) {
    expect((await way.list(bob)).map((each) => each.sharedWith)).toEqual([['bob', 'carol']]);
    expect(await contentOf(way, bob, id)).toEqual(content);
    expect(await way.list(nobody)).toEqual([]);
  }
  expect(await vault.remove(bob, id)).toBe(false);
  expect(await vault.remove(alice, id)).toBe(true);
  for (const way of [vault, reading]) expect(await way.list(bob)).toEqual([]);
});

test('a file is shared with whoever goes by the name, however it is spelt', async () => {
  const folder = temporaryFolder();
  const vault = await vaultIn(folder);
  const reading = await openVaultForReading(folder);
  const { id } = await store(vault, alice, content);
  for (const name of ['BOB', ' bob ', 'ｂｏｂ'])
    expect(await vault.share(alice, id, name)).toBe(true);
  for (const userName of ['bob', 'Bob']) {
    for (const way of [vault, reading]) {
      const [seen] = await way.list({ userId: 'bob-id', userName });
      expect(seen?.sharedWith).toEqual(['bob']);
    }
  }
  const noNames = ['', ' ', 'x'.repeat(65), 'b\u200bob', '\u0001'.repeat(254), '\ud800'];
  for (const name of noNames) {
    expect(await codeOf(vault.share(alice, id, name))).toBe('invalid-request');
  }
});

test('shared as often as it may be, under the longest names, a file is found again', async () => {
  const folder = temporaryFolder();
  const vault = await vaultIn(folder);
  const { id } = await store(vault, alice, content);
  const names = Array.from({ length: 100 }, (_, index) => '😀'.repeat(61) + (100 + index));
  for (const name of names) await vault.share(alice, id, name);
  expect(await codeOf(vault.share(alice, id, 'bob'))).toBe('quota-exceeded');
  expect(await vault.share(alice, id, names[0] ?? '')).toBe(true);
  await vault[Symbol.asyncDispose]();
  for (const way of [await vaultIn(folder), await openVaultForReading(folder)]) {
    expect((await way.list(alice)).map(({ sharedWith }) => sharedWith)).toEqual([names]);
    expect(await contentOf(way, { userId: 'x', userName: names[99] ?? '' }, id)).toEqual(content);
  }
});

test('who shares one file many times holds nobody else up', async () => {
  const vault = await vaultIn(temporaryFolder());
  const [ofAlice, ofBob] = [await store(vault, alice, content), await store(vault, bob, content)];
  let shared = 0;
  const sharing = Array.from({ length: 60 }, (_, index) =>
    vault.share(alice, ofAlice.id, `user-${index}`).then(() => {
      shared += 1;
    }),
  );
  expect(await vault.remove(bob, ofBob.id)).toBe(true);
  expect(shared).toBeLessThan(60);
  await Promise.all(sharing);
  expect((await vault.list(alice))[0]?.sharedWith).toHaveLength(60);
});

test('what nobody knows is not there, whatever it is called [ASVS 5.3.2]', async () => {
  const folder = temporaryFolder();
  const vault = await vaultIn(folder);
  await store(vault, alice, content);
  const ids = ['', '..', '.', '../files', '0'.repeat(32), 'record.json', '__proto__', '/etc'];
  for (const way of [vault, await openVaultForReading(folder)]) {
    for (const id of ids) expect(await way.open(alice, id)).toBeUndefined();
  }
  for (const id of ids) expect(await vault.remove(alice, id)).toBe(false);
});

test('files are listed in the order in which they were stored', async () => {
  let now = 5;
  const vault = await vaultIn(temporaryFolder(), { clock: { now: () => now } });
  const ids: string[] = [];
  for (now of [3, 4, 9, 20]) ids.push((await store(vault, alice, content)).id);
  expect((await vault.list(alice)).map(({ id }) => id)).toEqual(ids);
});

test('an upload repeated after its receipt was lost is one file with the same receipt', async () => {
  const folder = temporaryFolder();
  const vault = await vaultIn(folder);
  const request = upload(content.length);
  const begun = await begin(vault, alice, request);
  const record = await send(begun, content);
  expect(await begun.commit(sha256(content))).toEqual(record);
  await begun[Symbol.asyncDispose]();
  for (const bytes of [content.length, null]) {
    await using again = await begin(vault, alice, { ...request, bytes });
    expect(again).toMatchObject({ offset: content.length, sha256: record.sha256, stored: record });
    expect(await again.commit(sha256(content))).toEqual(record);
    expect(await codeOf(again.commit(sha256(Buffer.of(1))))).toBe('digest-mismatch');
    expect(await codeOf(again.write(Buffer.of(1)))).toBe('upload-conflict');
  }
  expect(await codeOf(begin(vault, alice, { ...request, bytes: 5 }))).toBe('upload-conflict');
  await using ofBob = await begin(vault, bob, request);
  expect([ofBob.offset, ofBob.stored]).toEqual([0, undefined]);
  expect(ofBob.id).not.toBe(record.id);
  expect(await vault.list(alice)).toEqual([record]);
  expect(readdirSync(join(folder, 'files'))).toEqual([record.id]);
});

test('an upload that was broken off goes on where it was, also after a restart', async () => {
  const folder = temporaryFolder();
  const request = upload(content.length);
  let arrived = 0;
  for (const piece of [70_000, 1, 300_000]) {
    const vault = await vaultIn(folder);
    await using begun = await begin(vault, alice, request);
    expect(begun.offset).toBe(arrived);
    expect(begun.sha256).toBe(sha256(content.subarray(0, arrived)));
    await begun.write(content.subarray(arrived, arrived + piece));
    arrived += piece;
    expect(await vault.list(alice)).toEqual([]);
    await begun[Symbol.asyncDispose]();
    await vault[Symbol.asyncDispose]();
  }
  const vault = await vaultIn(folder);
  await using begun = await begin(vault, alice, request);
  expect(begun.offset).toBe(arrived);
  expect((await send(begun, content)).sha256).toBe(sha256(content));
});

test('of what does not come as it was announced nothing becomes visible [ASVS 5.2.1] [ASVS 5.2.2]', async () => {
  const folder = temporaryFolder();
  const vault = await vaultIn(folder, { fileBytesMax: 2_000_000 });
  const fails = async (bytes: number | null, sent: Buffer, digest: string, name = 'file') => {
    await using begun = await begin(vault, alice, upload(bytes, { name }));
    return await codeOf(begun.write(sent).then(() => begun.commit(digest)));
  };
  expect(await fails(1_000_000, content, sha256(Buffer.of(1)))).toBe('digest-mismatch');
  expect(await fails(1_000_001, content, sha256(content))).toBe('upload-conflict');
  expect(await fails(999_999, content, sha256(content))).toBe('upload-conflict');
  expect(await fails(null, Buffer.alloc(2_000_001), sha256(content))).toBe('file-too-large');
  expect(await fails(null, content, sha256(content), 'photo.png')).toBe('type-mismatch');
  expect(await codeOf(begin(vault, alice, upload(2_000_001)))).toBe('file-too-large');
  expect(await vault.list(alice)).toEqual([]);
  // Only what came too short is worth going on with; what was refused is not kept.
  expect(readdirSync(join(folder, 'incoming'))).toHaveLength(1);
  expect(readdirSync(join(folder, 'removed'))).toHaveLength(0);
});

test('a mismatch of types is stored as nothing in particular where the policy says so', async () => {
  const vault = await vaultIn(temporaryFolder(), { mismatch: 'octet-stream' });
  const record = await store(vault, alice, content, { name: 'photo.png' });
  expect(record.type).toBe('application/octet-stream');
});

test('empty files are files', async () => {
  const folder = temporaryFolder();
  const vault = await vaultIn(folder);
  const { id } = await store(vault, alice, Buffer.alloc(0));
  expect(await contentOf(vault, alice, id)).toHaveLength(0);
  expect(await contentOf(await openVaultForReading(folder), alice, id)).toHaveLength(0);
});

test('who begins an upload again takes it over, and what the first wrote is there', async () => {
  const vault = await vaultIn(temporaryFolder());
  const request = upload(content.length);
  let told = 0;
  const first = await vault.begin(alice, request, () => {
    told += 1;
  });
  const writing = first.write(content.subarray(0, 600_000));
  await using second = await begin(vault, alice, request);
  await writing;
  expect(told).toBe(1);
  expect(second.offset).toBe(600_000);
  expect(second.sha256).toBe(sha256(content.subarray(0, 600_000)));
  expect(await codeOf(first.write(Buffer.of(1)))).toBe('upload-taken-over');
  expect(await codeOf(first.commit(sha256(content)))).toBe('upload-taken-over');
  await first[Symbol.asyncDispose]();
  expect((await send(second, content)).sha256).toBe(sha256(content));
});

test('of many who take over one upload at once the last has it', async () => {
  const vault = await vaultIn(temporaryFolder());
  const request = upload(content.length);
  const all = await Promise.allSettled(
    Array.from({ length: 20 }, () => begin(vault, alice, request)),
  );
  const last = all.pop();
  expect(all.map((each) => each.status === 'rejected' && each.reason.code)).toEqual(
    Array.from({ length: 19 }, () => 'upload-taken-over'),
  );
  if (last?.status !== 'fulfilled') throw new Error('the last has not got it');
  await send(last.value, content);
  expect(await vault.list(alice)).toHaveLength(1);
});

test('a commit is not interrupted: who comes then finds the file stored', async () => {
  const vault = await vaultIn(temporaryFolder());
  const request = upload(content.length);
  const first = await vault.begin(alice, request, () => {
    throw new Error('it is told');
  });
  await first.write(content);
  const committing = first.commit(sha256(content));
  await using second = await begin(vault, alice, request);
  expect(second.stored).toEqual(await committing);
});

test('what is removed is gone, durably, and can be sent again', async () => {
  const folder = temporaryFolder();
  const vault = await vaultIn(folder);
  const request = upload(content.length);
  const { id } = await store(vault, alice, content, request);
  await using opened = await vault.open(alice, id);
  expect(await Promise.all([vault.remove(alice, id), vault.remove(alice, id)])).toEqual([
    true,
    false,
  ]);
  expect(await opened?.fill(Buffer.alloc(2 * content.length), 0)).toEqual(content);
  expect(await vault.list(alice)).toEqual([]);
  expect([readdirSync(join(folder, 'files')), readdirSync(join(folder, 'removed'))]).toEqual([
    [],
    [],
  ]);
  expect((await store(vault, alice, content, request)).id).toBe(id);
  expect(await vault.list(alice)).toHaveLength(1);
});

test('sharing, removing and sending the same file at once leaves it whole or gone', async () => {
  const folder = temporaryFolder();
  const vault = await vaultIn(folder);
  const request = upload(content.length);
  for (let round = 0; round < 15; round += 1) {
    const { id } = await store(vault, alice, content, request);
    const [again] = await Promise.all([
      begin(vault, alice, request).then((begun) => send(begun, content)),
      vault.share(alice, id, 'bob'),
      vault.remove(alice, id),
      vault.share(alice, id, 'carol'),
    ]);
    expect(again.sha256).toBe(sha256(content));
    const [there] = await vault.list(alice);
    expect(readdirSync(join(folder, 'files'))).toEqual(there ? [id] : []);
    if (there) expect(await contentOf(vault, alice, id)).toEqual(content);
  }
});

test('one process writes; when it has ended, the next may', async () => {
  const folder = temporaryFolder();
  const vault = await vaultIn(folder);
  await expect(vaultIn(folder)).rejects.toMatchObject({
    code: 'vault-unavailable',
    detail: expect.stringContaining('Another process writes'),
  });
  await store(vault, alice, content);
  await vault[Symbol.asyncDispose]();
  expect(await (await vaultIn(folder)).list(alice)).toHaveLength(1);
});

test('a record that is not as the vault made it shows nothing, and is in nobody’s way', async () => {
  const folder = temporaryFolder();
  const first = await vaultIn(folder);
  const whole = await store(first, alice, content);
  const request = upload(content.length);
  const { id } = await store(first, alice, content, request);
  await first[Symbol.asyncDispose]();
  const file = join(folder, 'files', id, 'record.json');
  const written = readFileSync(file, 'utf8');
  const wrong = { id: whole.id, bytes: -1, sha256: 'x', sharedWith: 'bob', owner: null };
  const spoilt = Object.entries(wrong).map(([key, value]) =>
    JSON.stringify({ ...JSON.parse(written), [key]: value }),
  );
  const texts = ['', written.slice(0, 100), '[]', 'null', ...spoilt];
  for (const text of texts) {
    writeFileSync(file, text);
    const reading = await openVaultForReading(folder);
    expect(await reading.list(alice)).toEqual([whole]);
    expect(await reading.open(alice, id)).toBeUndefined();
    const writing = await vaultIn(folder, { userBytesMax: 2 * content.length });
    expect(writing.warnings).toEqual([expect.stringContaining(join(folder, 'unreadable', id))]);
    expect(await writing.list(alice)).toEqual([whole]);
    expect(await writing.open(alice, id)).toBeUndefined();
    expect((await store(writing, alice, content, request)).id).toBe(id);
    await writing[Symbol.asyncDispose]();
  }
  expect(readdirSync(join(folder, 'unreadable'))).toHaveLength(texts.length);
  writeFileSync(file, JSON.stringify({ ...JSON.parse(written), sharedWith: [''] }));
  const last = await vaultIn(folder);
  expect(await last.list(nobody)).toEqual([]);
  expect(last.warnings).toEqual([]);
});

test('what stands in the place of a file that is to be stored is named, and stays', async () => {
  const folder = temporaryFolder();
  const vault = await vaultIn(folder);
  const begun = await begin(vault, alice, upload(content.length));
  mkdirSync(join(folder, 'files', begun.id));
  writeFileSync(join(folder, 'files', begun.id, 'mine'), 'mine');
  await expect(send(begun, content)).rejects.toMatchObject({
    code: 'vault-unavailable',
    detail: expect.stringContaining('in its way'),
  });
  expect(readFileSync(join(folder, 'files', begun.id, 'mine'), 'utf8')).toBe('mine');
});

test('parts that nobody went on with for a day are dropped, others are kept', async () => {
  const folder = temporaryFolder();
  const vault = await vaultIn(folder);
  for (const byte of [1, 2]) {
    await using begun = await begin(vault, alice, upload(10));
    await begun.write(Buffer.of(byte));
  }
  await vault[Symbol.asyncDispose]();
  const [old = '', young = ''] = readdirSync(join(folder, 'incoming'));
  const before = Date.now() / 1_000 - 25 * 60 * 60;
  utimesSync(join(folder, 'incoming', old, 'content'), before, before);
  await vaultIn(folder);
  expect(readdirSync(join(folder, 'incoming'))).toEqual([young]);
  expect(readdirSync(join(folder, 'removed'))).toEqual([]);
});

test('names that are not the vault’s own are left alone, wherever they are', async () => {
  const folder = temporaryFolder();
  const names = ['.DS_Store', 'a folder of yours', 'lost+found'];
  const shelves = ['files', 'incoming', 'removed'].map((shelf) => join(folder, shelf));
  for (const shelf of shelves) {
    for (const name of names) mkdirSync(join(shelf, name), { recursive: true });
  }
  const vault = await vaultIn(folder);
  expect(vault.warnings).toEqual([]);
  const { id } = await store(vault, alice, content);
  await vault.remove(alice, id);
  for (const shelf of shelves) expect(readdirSync(shelf).sort()).toEqual(names.sort());
});

test('an upload that brought nothing leaves nothing', async () => {
  const folder = temporaryFolder();
  const vault = await vaultIn(folder);
  await using begun = await begin(vault, alice, upload(10));
  await begun[Symbol.asyncDispose]();
  expect(readdirSync(join(folder, 'incoming'))).toEqual([]);
});

test('closing the vault closes what is under way, and keeps it', async () => {
  const folder = temporaryFolder();
  const vault = await vaultIn(folder);
  const request = upload(content.length);
  const begun = await begin(vault, alice, request);
  await begun.write(content.subarray(0, 300_000));
  await vault[Symbol.asyncDispose]();
  expect(await codeOf(begun.write(Buffer.of(1)))).toBe('upload-taken-over');
  await using again = await begin(await vaultIn(folder), alice, request);
  expect(again.offset).toBe(300_000);
});
