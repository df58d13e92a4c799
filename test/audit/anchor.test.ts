// What a folder of heads says of a log: of this one, and without reading all that it ever held.

import { appendFileSync, copyFileSync, mkdirSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openAnchor } from '../../src/audit/anchor.ts';
import { newAuditKey, readSigningKey, signHead } from '../../src/audit/head.ts';
import { temporaryFolder } from './ground.ts';

const key = readSigningKey(newAuditKey());
const head = (log: string, size: number, more: object = {}) =>
  signHead({ log, size, hash: 'a'.repeat(64), time: '2026-11-23T06:00:00.000Z', ...more }, key);
const fileOf = (folder: string, log: string) => join(folder, `${log}.heads.ndjson`);

test('the newest head is the last that retires nothing, and is found at the end of the file', async () => {
  using ground = temporaryFolder();
  await using anchor = openAnchor(ground.folder);
  expect(await anchor.newest('s1')).toBeUndefined();
  const put = async (...heads: ReturnType<typeof head>[]) => {
    for (const each of heads) await anchor.put(each);
  };
  await put(head('s1', 1), head('s1', 2), head('s1', 1, { retires: true }));
  expect(await anchor.newest('s1')).toMatchObject({ size: 2 });
  const file = fileOf(ground.folder, 's1');
  const retiring = `${JSON.stringify(head('s1', 1, { retires: true }))}\n`;
  appendFileSync(file, retiring.repeat(200));
  expect(await anchor.newest('s1')).toMatchObject({ size: 2 });

  // A hole that nobody reads through in the time of a test.
  truncateSync(file, 2 ** 30);
  await put(head('s1', 3));
  appendFileSync(file, '{"log":"s1","si');
  expect(await anchor.newest('s1')).toMatchObject({ size: 3 });
});

test('a head of another log vouches for nothing, though it is signed', async () => {
  using ground = temporaryFolder();
  mkdirSync(ground.folder, { recursive: true });
  await using anchor = openAnchor(ground.folder);
  writeFileSync(fileOf(ground.folder, 's2'), `${JSON.stringify(head('s2', 7))}\n`);
  copyFileSync(fileOf(ground.folder, 's2'), fileOf(ground.folder, 's1'));
  expect(await anchor.heads('s1')).toEqual([]);
  expect(await anchor.newest('s1')).toBeUndefined();
  expect(await anchor.heads('s2')).toMatchObject([{ log: 's2', size: 7 }]);
});
