// The copying of a gateway's access log, with a process that is killed, a file that is rotated
// under a gateway that writes on, and a disk that is full for a while.

import { hash } from 'node:crypto';
import {
  appendFileSync,
  closeSync,
  existsSync,
  openSync,
  readFileSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import type { AuditRecord } from '../../src/audit/audit-log.ts';
import { followAccessLog } from '../../src/audit/follow-access-log.ts';
import { verifyLog } from '../../src/audit/verify.ts';
import { openAuditLog } from '../../src/audit/writer.ts';
import { seededRandom } from '../../src/core/random.ts';
import { accessLine, recordsIn, start, temporaryFolder, until } from './ground.ts';

const copiedIn = (records: readonly AuditRecord[]) =>
  records.flatMap((record) => (record.kind === 'access' ? [record.access?.requestId] : []));

/** A gateway as far as its log goes: it keeps the file open until it is told to open it anew. */
class Gateway {
  readonly #file: string;
  #opened: number;
  readonly written: string[] = [];

  constructor(file: string) {
    this.#file = file;
    this.#opened = openSync(file, 'a');
  }

  write(count: number): void {
    for (let left = count; left > 0; left -= 1) {
      const id = `request-${this.written.length + 1}`;
      this.written.push(id);
      appendFileSync(this.#opened, `${JSON.stringify(accessLine(id))}\n`);
    }
  }

  reopen(): void {
    closeSync(this.#opened);
    this.#opened = openSync(this.#file, 'a');
  }

  close(): void {
    closeSync(this.#opened);
  }
}

test('a follower that is killed 20 times, while the file is rotated, loses no line and doubles none', async () => {
  using ground = temporaryFolder();
  const file = join(ground.folder, 'access.ndjson');
  const gateway = new Gateway(file);
  const random = seededRandom('followers');
  let rotations = 0;
  for (let kills = 0; kills <= 20; kills += 1) {
    let isReady = false;
    using copier = start('copier.ts', [file, ground.folder, 'gateway'], (message) => {
      isReady ||= message === 'ready';
      if (message !== 'reopen') return;
      rotations += 1;
      gateway.write(2); // It takes a moment until it does.
      gateway.reopen();
      copier.process.send('done');
    });
    await until(() => isReady, 'the follower starts');
    for (let turns = 2 + random.below(5); turns > 0; turns -= 1) {
      gateway.write(random.below(40));
      await delay(random.below(20));
    }
    if (kills < 20) await copier.kill();
    else {
      const ended = Promise.withResolvers<void>();
      copier.process.once('exit', () => ended.resolve());
      copier.process.send('stop');
      await ended.promise;
    }
  }
  gateway.close();
  const log = join(ground.folder, 'gateway');
  expect(copiedIn(await recordsIn(log))).toEqual(gateway.written);
  expect((await verifyLog('gateway', log)).fault).toBeNull();
  expect(rotations).toBeGreaterThan(3);
  expect(gateway.written.length).toBeGreaterThan(500);
}, 120_000);

test('only what an access line has is copied, and what is none is noted without a word of it', async () => {
  using ground = temporaryFolder();
  const file = join(ground.folder, 'access.ndjson');
  const more = { cookie: 'canary-1', served: { ...accessLine('').served, token: 'canary-2' } };
  const lines = [JSON.stringify({ ...accessLine('one'), ...more }), 'canary-3', '{"a":"canary-4"}'];
  writeFileSync(file, `${lines.join('\n')}\n`);
  {
    await using audit = await openAuditLog({ folder: ground.folder, log: 'gateway' });
    await using following = followAccessLog(file, audit);
    await following.caughtUp();
  }
  const log = join(ground.folder, 'gateway');
  const records = await recordsIn(log);
  expect(copiedIn(records)).toEqual(['one', undefined, undefined]);
  expect(records[0]).toMatchObject({ kind: 'access', access: accessLine('one') });
  expect(readFileSync(join(log, '000001.ndjson'), 'utf8')).not.toContain('canary');
});

test('where a log was copied to is remembered over other records and a new segment', async () => {
  using ground = temporaryFolder();
  const file = join(ground.folder, 'access.ndjson');
  const options = { folder: ground.folder, log: 'gateway', segmentBytesMax: 200 };
  const line = (id: string) => `${JSON.stringify(accessLine(id))}\n`;
  writeFileSync(file, line('one'));
  for (const id of ['two', 'three']) {
    await using audit = await openAuditLog(options);
    {
      await using following = followAccessLog(file, audit);
      await following.caughtUp();
    }
    for (const kind of ['started', 'stopped'] as const) await audit.append({ kind, server: 'g' });
    appendFileSync(file, line(id));
  }
  const records = await recordsIn(join(ground.folder, 'gateway'));
  expect(copiedIn(records)).toEqual(['one', 'two']);
  expect(records).toHaveLength(6);
  const first = line('one').slice(0, -1);
  const file1 = hash('sha256', `\0${first}`);
  expect(records[0]).toMatchObject({ source: { file: file1, end: first.length + 1 } });
});

test('a rotated file goes only when all of it is in the log, the unfinished line included', async () => {
  using ground = temporaryFolder();
  const file = join(ground.folder, 'access.ndjson');
  const rotated = `${file}.rotated`;
  const line = (id: string) => `${JSON.stringify(accessLine(id))}\n`;
  writeFileSync(rotated, line('one') + line('two').slice(0, 20));
  const reopen = () => {
    writeFileSync(file, line('four'));
    // A process of the gateway that was not told yet, or did not listen yet.
    setTimeout(() => appendFileSync(rotated, `${line('two').slice(20)}${line('three')}{"ti`), 50);
  };
  {
    await using audit = await openAuditLog({ folder: ground.folder, log: 'gateway' });
    const options = { reopen, settleMs: 800, pollMs: 5, sourceBytesMax: 100_000 };
    await using following = followAccessLog(file, audit, options);
    await following.caughtUp();
  }
  const copied = copiedIn(await recordsIn(join(ground.folder, 'gateway')));
  expect(copied).toEqual(['one', 'two', 'three', undefined, 'four']);
  expect(existsSync(rotated)).toBe(false);
});
