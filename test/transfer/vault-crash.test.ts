// A writer that is killed again and again, at any moment of beginning, writing, storing and
// removing: what it acknowledged is there whole, what it removed is gone, nothing else is to be
// seen, and what it was at goes on from where it was. The network's part in this is another test's.

import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { openVaultForReading } from '../../src/transfer/vault.ts';
import { numberedFile } from './numbered-file.ts';
import {
  alice,
  begin,
  codeOf,
  contentOf,
  send,
  sha256,
  temporaryFolder,
  vaultIn,
} from './vault-ground.ts';
import type { Said } from './vault-writer.ts';

const kills = 40;

/** What is known of the numbers from what the writers said. */
class Known {
  readonly begun = new Set<number>();
  readonly stored = new Set<number>();
  readonly removing = new Set<number>();
  readonly removed = new Set<number>();
  readonly wrong: number[] = [];
  resumed = 0;

  hear({ what, number }: Said): void {
    if (what === 'wrong') this.wrong.push(number);
    else if (what === 'resumed') this.resumed += 1;
    else if (what !== 'opening') this[what].add(number);
  }

  get unfinished(): number[] {
    return [...this.begun].filter((number) => !this.stored.has(number));
  }
}

function startWriter(folder: string, known: Known): ChildProcess {
  const next = Math.max(0, ...known.begun) + 1;
  const args = [folder, next, ...known.unfinished].map(String);
  const child = fork(join(import.meta.dirname, 'vault-writer.ts'), args);
  child.on('message', (said: Said) => known.hear(said));
  onTestFinished(() => void child.kill('SIGKILL'));
  return child;
}

/** Whatever it said before its end is heard when this resolves. */
async function kill(child: ChildProcess): Promise<void> {
  const over = Promise.all([once(child, 'exit'), once(child, 'disconnect')]);
  child.kill('SIGKILL');
  await over;
}

/** Holds what a reader sees against what is known; content only of those not in `seen`. */
async function judge(folder: string, known: Known, seen: Set<number>): Promise<void> {
  const vault = await openVaultForReading(folder);
  const records = await vault.list(alice);
  expect(readdirSync(join(folder, 'files'))).toHaveLength(records.length);
  const there = new Set(records.map(({ name }) => Number(name)));
  const lost = [...known.stored].filter((each) => !there.has(each) && !known.removing.has(each));
  const returned = [...known.removed].filter((each) => there.has(each));
  const unheardOf = [...there].filter((each) => !known.begun.has(each));
  expect({ lost, returned, unheardOf, wrong: known.wrong }).toEqual({
    ...{ lost: [], returned: [], unheardOf: [], wrong: [] },
  });
  for (const { id, name, sha256: digest } of records) {
    if (seen.has(Number(name))) continue;
    seen.add(Number(name));
    const { content } = numberedFile(Number(name));
    expect(digest).toBe(sha256(content));
    expect(content.equals((await contentOf(vault, alice, id)) ?? Buffer.of())).toBe(true);
  }
}

test('whenever the writer is killed, what it acknowledged is whole and the rest goes on', async () => {
  const folder = temporaryFolder();
  const known = new Known();
  const seen = new Set<number>();
  let interrupted = 0;
  for (let count = 1; count <= kills; count += 1) {
    const child = startWriter(folder, known);
    // The first word is that it opens the vault; most are killed later, some while they do.
    await once(child, 'message');
    for (let words = 2 * (count % 5); words > 0; words -= 1) await once(child, 'message');
    await delay((count * 37) % (count % 5 > 0 ? 90 : 10));
    await kill(child);
    interrupted += known.unfinished.length;
    await judge(folder, known, seen);
  }
  await judge(folder, known, new Set());
  const vault = await vaultIn(folder);
  for (const number of known.unfinished) {
    const { request, content } = numberedFile(number);
    await using upload = await begin(vault, alice, request);
    expect(upload.sha256).toBe(sha256(content.subarray(0, upload.offset)));
    expect((await send(upload, content)).sha256).toBe(sha256(content));
  }
  expect(readdirSync(join(folder, 'incoming'))).toEqual([]);
  expect(readdirSync(join(folder, 'removed'))).toEqual([]);
  // Else nothing was shown.
  expect(known.stored.size).toBeGreaterThan(kills);
  expect(known.removed.size).toBeGreaterThan(0);
  expect(known.resumed).toBeGreaterThan(0);
  expect(interrupted).toBeGreaterThan(kills);
}, 180_000);

test('while another process writes the vault it is refused, and its death gives it free', async () => {
  const folder = temporaryFolder();
  const known = new Known();
  const child = startWriter(folder, known);
  await expect.poll(() => known.stored.size).toBeGreaterThan(0);
  expect(await codeOf(vaultIn(folder))).toBe('vault-unavailable');
  await kill(child);
  expect(await codeOf(vaultIn(folder))).toBe('none');
});
