// The writing of an audit log, with real processes that are killed, disks that are full, and
// folders that somebody deletes.

import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statfsSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { expect, test } from 'vitest';
import { openAnchor } from '../../src/audit/anchor.ts';
import { newAuditKey, readVerifyingKeys } from '../../src/audit/head.ts';
import { verificationText } from '../../src/audit/report-text.ts';
import { segmentsOf } from '../../src/audit/segments.ts';
import { verifyLog, verifyLogs } from '../../src/audit/verify.ts';
import { openAuditLog } from '../../src/audit/writer.ts';
import { seededRandom } from '../../src/core/random.ts';
import { freshDatabase } from '../support/backing.ts';
import { linesIn, login, recordsIn, start, temporaryFolder, until } from './ground.ts';

const numbersIn = (records: readonly { readonly requestId?: string }[]) =>
  records.flatMap(({ requestId }) => requestId ?? []);

test('a record is one line whatever is in it, and holds the hash of the line before, as sha256sum makes it [ASVS 16.4.1]', async () => {
  using ground = temporaryFolder();
  {
    await using audit = await openAuditLog({ folder: ground.folder, log: 's1' });
    await audit.append(login('one', { address: 'a\n{"v":1}\u2028"' } as object));
    await audit.append(login('two', { password: 'canary' } as object));
  }
  const [lines = []] = await linesIn(join(ground.folder, 's1'));
  const [first, second] = lines.map((line) => JSON.parse(line));
  expect(lines).toHaveLength(2);
  expect(first).toMatchObject({
    v: 1,
    log: 's1',
    seq: 1,
    kind: 'login',
    owasp: 'authn_login_success',
  });
  const made = execFileSync('sha256sum', { input: `\0${lines[0]}` }).toString();
  expect(second).toMatchObject({ seq: 2, prev: made.slice(0, 64) });
  expect(lines.join()).not.toContain('canary');
});

test('100 kills in the middle of appending lose nothing acknowledged, double nothing, and leave a chain', async () => {
  using ground = temporaryFolder();
  const killedLog = async (log: string) => {
    const random = seededRandom(log);
    const acknowledged = new Set<string>();
    for (let kills = 0; kills < 25; kills += 1) {
      const enough = acknowledged.size + random.below(150);
      const heard = Promise.withResolvers<void>();
      using appender = start(
        'appender.ts',
        [ground.folder, log, `${kills * 1_000_000}`],
        (said) => {
          if (typeof said === 'number') acknowledged.add(String(said));
          else if (said !== 'ready') heard.reject(new Error(String(said)));
          if (acknowledged.size >= enough && said !== 'ready') heard.resolve();
        },
      );
      await heard.promise;
      await appender.kill();
    }
    const records = await recordsIn(join(ground.folder, log));
    const numbers = numbersIn(records as { requestId?: string }[]);
    const written = new Set(numbers);
    expect(written.size).toBe(numbers.length);
    expect([...acknowledged].filter((number) => !written.has(number))).toEqual([]);
    const found = await verifyLog(log, join(ground.folder, log));
    expect(found.fault).toBeNull();
    expect(acknowledged.size).toBeGreaterThan(1_000);
  };
  await Promise.all(['s1', 's2', 's3', 's4'].map(killedLog));
});

test('a last line that was never finished is taken off at the start, kept beside, and said so', async () => {
  using ground = temporaryFolder();
  const options = { folder: ground.folder, log: 's1' };
  const file = join(ground.folder, 's1', '000001.ndjson');
  const torn = ['{"v":1,"log":"s1"', '\0\0\0\0\n{"v":1}\n\0', '{'];
  for (const [index, bytes] of torn.entries()) {
    {
      await using audit = await openAuditLog(options);
      await audit.append(login(index));
    }
    appendFileSync(file, bytes);
  }
  await using _ = await openAuditLog(options);
  const records = await recordsIn(join(ground.folder, 's1'));
  expect(records.map(({ kind }) => kind).join(' ')).toBe(
    'login torn-tail login torn-tail login torn-tail',
  );
  expect(records[1]).toMatchObject({ bytes: torn[0]?.length, owasp: 'sys_crash' });
  expect(await verifyLog('s1', join(ground.folder, 's1'))).toMatchObject({ last: 6, fault: null });
  expect(readFileSync(`${file}.torn`, 'utf8')).toBe(torn.join(''));
});

test('a line that is spoiled before whole records is left to be found, and they are left too', async () => {
  using ground = temporaryFolder();
  const options = { folder: ground.folder, log: 's1' };
  const file = join(ground.folder, 's1', '000001.ndjson');
  const write = async (...numbers: readonly number[]) => {
    await using audit = await openAuditLog(options);
    for (const number of numbers) await audit.append(login(number));
  };
  await write(1, 2, 3, 4);
  writeFileSync(file, readFileSync(file, 'utf8').replace('"requestId":"2"', '"requestId":"\0"'));
  await write(5);
  const numbers = numbersIn((await recordsIn(join(ground.folder, 's1'))) as object[]);
  expect(numbers).toEqual(['1', '3', '4', '5']);
  const { fault } = await verifyLog('s1', join(ground.folder, 's1'));
  expect(fault).toMatchObject({ seq: 2, line: 2, what: 'it is no record' });
  expect(existsSync(`${file}.torn`)).toBe(false);
});

test('a second writer is refused while the first lives, and let in at once when it was killed', async () => {
  using ground = temporaryFolder();
  const heard: unknown[] = [];
  const run = () => start('appender.ts', [ground.folder, 's1', '0'], (said) => heard.push(said));
  using first = run();
  await until(() => heard.includes('ready'), 'the first writes');
  const refused = openAuditLog({ folder: ground.folder, log: 's1' });
  await expect(refused).rejects.toMatchObject({
    code: 'audit-unavailable',
    message: expect.stringContaining('Another process writes the audit log'),
  });
  using second = run();
  await until(() => heard.includes('audit-unavailable'), 'the second is refused');
  await second.kill();
  await first.kill();
  {
    await using audit = await openAuditLog({ folder: ground.folder, log: 's1' });
    await audit.append(login('after'));
    const again = openAuditLog({ folder: ground.folder, log: 's1' });
    await expect(again).rejects.toMatchObject({ code: 'audit-unavailable' });
  }
  expect((await verifyLog('s1', join(ground.folder, 's1'))).fault).toBeNull();
});

interface Place extends Disposable {
  readonly folder: string;
  /** Leaves no room. */
  fill(pid: number): void;
  free(pid: number): void;
}

/** A file system of a megabyte; undefined where this account may mount none. */
function smallDisk(folder: string): Place | undefined {
  const disk = join(folder, 'disk');
  const ballast = join(disk, 'ballast');
  mkdirSync(disk);
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', disk], { stdio: 'ignore' });
  } catch {
    return undefined;
  }
  return {
    folder: disk,
    fill() {
      const { bavail, bsize } = statfsSync(disk);
      writeFileSync(ballast, Buffer.alloc(bavail * bsize));
    },
    free: () => rmSync(ballast),
    [Symbol.dispose]: () => execFileSync('umount', [disk]),
  };
}

/** Files that may not grow. */
function shortFiles(folder: string): Place {
  const limit = (pid: number, bytes: string) =>
    execFileSync('prlimit', ['--pid', String(pid), `--fsize=${bytes}:`]);
  return {
    folder,
    // In the middle of a line, so that a part of it gets on the disk.
    fill: (pid) => limit(pid, '1000'),
    free: (pid) => limit(pid, 'unlimited'),
    [Symbol.dispose]: () => undefined,
  };
}

test.each([
  ['the disk is full', smallDisk],
  ['a file may not grow', shortFiles],
])(
  'while %s entries wait in order, and what finds no room leaves a gap on record',
  async (_, make) => {
    using ground = temporaryFolder();
    // Where nothing can be mounted, files that may not grow stand for the full disk.
    using place = make(ground.folder) ?? shortFiles(ground.folder);
    const said: { message: unknown; outcome: string; canRecord: boolean }[] = [];
    let isReady = false;
    using child = start('squeezed.ts', [place.folder, '10'], (message) => {
      if (message === 'ready') isReady = true;
      else said.push(message as (typeof said)[number]);
    });
    const { pid = 0 } = child.process;
    const tell = async (message: number | string) => {
      const before = said.length;
      child.process.send(message);
      await until(() => said.length > before, 'it answers');
      return said.at(-1);
    };
    await until(() => isReady, 'it starts');
    expect(await tell(1)).toMatchObject({ outcome: 'durable', canRecord: true });
    place.fill(pid);
    // The rest of the last block of the file may still take some.
    let number = 1;
    const another = () => {
      number += 1;
      return tell(number);
    };
    let answer = await tell('logout');
    while (answer?.outcome === 'durable') answer = await another();
    expect(answer).toMatchObject({ outcome: 'audit-unavailable', canRecord: false });
    const kept = said.length;
    for (let more = 1; more < 10; more += 1) await another();
    for (const lost of [1001, 1002, 'lost logout']) {
      expect(await tell(lost)).toMatchObject({ outcome: 'audit-unavailable', canRecord: false });
    }
    place.free(pid);
    await until(async () => (await another())?.canRecord === true, 'it is written again');
    expect(await tell('last')).toMatchObject({ outcome: 'durable', canRecord: true });
    const ended = once(child.process, 'exit');
    child.process.send('close');
    await ended;

    const log = join(place.folder, 's1');
    const records = await recordsIn(log);
    const written = numbersIn(records as { requestId?: string }[]);
    const gap = records.findIndex(({ kind }) => kind === 'gap');
    expect(written.slice(0, kept + 9)).toEqual(
      said.slice(0, kept + 9).map(({ message }) => String(message)),
    );
    expect(gap).toBe(kept + 9);
    expect(records[gap]).toMatchObject({ owasp: 'sys_monitor_disabled', kinds: { logout: 1 } });
    expect(written).not.toContain('1001');
    expect(written).not.toContain('lost logout');
    expect(written.at(-1)).toBe('last');
    const lost = records.reduce((sum, record) => sum + ('lost' in record ? record.lost : 0), 0);
    expect(written.length + lost).toBe(said.length);
    expect((await verifyLog('s1', log)).fault).toBeNull();
  },
);

test('of a copy that could not be written nothing is kept, on the disk neither', async () => {
  using ground = temporaryFolder();
  using place = shortFiles(ground.folder);
  const said: unknown[] = [];
  using child = start('squeezed.ts', [place.folder, '10'], (message) => said.push(message));
  const { pid = 0 } = child.process;
  const tell = async (message: number | string) => {
    const before = said.length;
    child.process.send(message);
    await until(() => said.length > before, 'it answers');
    return said.at(-1);
  };
  await until(() => said.includes('ready'), 'it starts');
  await tell(1);
  place.fill(pid);
  const failed = { outcome: 'audit-unavailable', canRecord: false };
  expect([await tell('copy'), await tell('copy')]).toMatchObject([failed, failed]);
  place.free(pid);
  // Shorter than what was there of the copy.
  expect(await tell(2)).toMatchObject({ outcome: 'audit-unavailable' });
  const log = join(place.folder, 's1');
  await until(async () => (await recordsIn(log)).length > 1, 'it is written');
  const durable = { message: 'copy', outcome: 'durable', canRecord: true };
  const again = async () => isDeepStrictEqual(await tell('copy'), durable);
  await until(again, 'it is acknowledged');
  await child.kill();
  const kinds = (await recordsIn(log)).map(({ kind }) => kind);
  expect(kinds.join(' ')).toBe(`login login${' access'.repeat(5)}`);
  expect(await verifyLog('s1', log)).toMatchObject({ isUnfinished: false, fault: null });
});

test('a folder that is deleted is noticed, and the log goes on where the chain was', async () => {
  using ground = temporaryFolder();
  await using audit = await openAuditLog({ folder: ground.folder, log: 's1' });
  await audit.append(login(1));
  rmSync(join(ground.folder, 's1'), { recursive: true });
  await expect(audit.append(login(2))).rejects.toMatchObject({ code: 'audit-unavailable' });
  await until(() => audit.canRecord, 'it is written again');
  await audit.append(login(3));
  const [two, three] = await recordsIn(join(ground.folder, 's1'));
  expect([two?.seq, three?.seq]).toEqual([2, 3]);
  expect((await verifyLog('s1', join(ground.folder, 's1'))).fault).toMatchObject({ seq: 1 });
});

test('logins are let in again after a blip though something always waits', async () => {
  using ground = temporaryFolder();
  await using audit = await openAuditLog({ folder: ground.folder, log: 's1' });
  await audit.append(login(0));
  using traffic = new DisposableStack();
  let isOver = false;
  traffic.defer(() => {
    isOver = true;
  });
  let number = 0;
  const another = () => {
    number += 1;
    void audit.append(login(number)).catch(() => undefined);
    if (!isOver) setImmediate(another);
  };
  another();
  rmSync(join(ground.folder, 's1'), { recursive: true });
  await until(() => !audit.canRecord, 'it fails');
  await until(() => audit.canRecord, 'it is written again');
});

test('a clock that is set back changes no order, and is on record', async () => {
  using ground = temporaryFolder();
  let now = Date.parse('2026-11-23T06:00:10Z');
  const options = { folder: ground.folder, log: 's1', clock: { now: () => now } };
  {
    await using audit = await openAuditLog(options);
    await audit.append(login(1));
    now -= 4_000;
    await audit.append(login(2));
  }
  now -= 2_000;
  await using audit = await openAuditLog(options);
  await audit.append(login(3));
  const records = await recordsIn(join(ground.folder, 's1'));
  expect(records.map((record) => ('byMs' in record ? record.byMs : record.kind))).toEqual([
    ...['login', 4_000, 'login', 2_000, 'login'],
  ]);
});

test('appends that wait at once are written in their order, over many segments', async () => {
  using ground = temporaryFolder();
  const numbers = Array.from({ length: 500 }, (_, index) => String(index));
  {
    await using audit = await openAuditLog({
      folder: ground.folder,
      log: 's1',
      segmentBytesMax: 9_000,
    });
    for (let at = 0; at < 500; at += 50) {
      await Promise.all(numbers.slice(at, at + 50).map((number) => audit.append(login(number))));
    }
  }
  const log = join(ground.folder, 's1');
  expect(numbersIn((await recordsIn(log)) as { requestId?: string }[])).toEqual(numbers);
  expect((await segmentsOf(log)).length).toBeGreaterThan(5);
  expect((await verifyLog('s1', log)).fault).toBeNull();
});

test.each([
  ['a folder', (folder: string) => join(folder, 'anchor')],
  ['PostgreSQL', () => freshDatabase()],
])('old segments go when %s says that they may, and only then is that right', async (_, place) => {
  using ground = temporaryFolder();
  const folder = join(ground.folder, 'logs');
  const anchor = await place(ground.folder);
  let now = Date.parse('2026-01-01T00:00:00Z');
  const key = newAuditKey();
  const options = { folder, log: 's1', key, segmentBytesMax: 600, clock: { now: () => now } };
  const write = async (more: object) => {
    await using audit = await openAuditLog({ ...options, anchor, ...more });
    for (let number = 0; number < 10; number += 1) await audit.append(login(number));
  };
  await write({});
  now += 86_400_000;
  await write({ retainMs: 3_600_000 });
  const [found] = await verifyLogs(folder, { anchor, keys: readVerifyingKeys(key) });
  expect(found).toMatchObject({ fault: null, retiredAt: '2026-01-02T00:00:00.000Z' });
  expect(verificationText(found ? [found] : [])).toContain('older ones retired 2026-01-02 00:00');
  expect(found?.first).toBeGreaterThan(8);
  expect(existsSync(join(folder, 's1', '000001.ndjson'))).toBe(false);
  expect((await verifyLogs(folder))[0]?.fault).toMatchObject({ seq: expect.any(Number) });

  // The anchor vouches for where these end, but not that they may be gone.
  await using opened = openAnchor(anchor);
  const ordinary = (await opened.heads('s1')).map((head) => ({ ...head, retires: false }));
  const { fault } = await verifyLog('s1', join(folder, 's1'), ordinary);
  expect(fault).toMatchObject({
    seq: 1,
    what: expect.stringContaining('no anchored head retires'),
  });
  const keys = readVerifyingKeys(key);
  expect((await verifyLog('s1', join(folder, 's1'), ordinary, keys)).fault).toMatchObject({
    what: expect.stringContaining('not signed'),
  });
});

test('what only says that it is old is not let go of', async () => {
  using ground = temporaryFolder();
  const [folder, anchor] = [join(ground.folder, 'logs'), join(ground.folder, 'anchor')];
  const write = async () => {
    const options = { folder, log: 's1', anchor, segmentBytesMax: 600, retainMs: 3_600_000 };
    await using audit = await openAuditLog(options);
    for (let number = 0; number < 10; number += 1) await audit.append(login(number));
  };
  await write();
  const segments = await segmentsOf(join(folder, 's1'));
  for (const { file } of segments.slice(0, -1)) {
    const text = readFileSync(file, 'utf8');
    writeFileSync(file, text.replaceAll(/"time":"\d{4}/g, '"time":"2001'));
  }
  await write();
  expect(segments.length).toBeGreaterThan(2);
  expect(segments.filter(({ file }) => !existsSync(file))).toEqual([]);
});

test('a log that ends before its anchor says is not written on', async () => {
  using ground = temporaryFolder();
  const options = { folder: ground.folder, log: 's1', anchor: join(ground.folder, 'anchor') };
  {
    await using audit = await openAuditLog(options);
    for (const number of [1, 2, 3]) await audit.append(login(number));
  }
  const [lines = []] = await linesIn(join(ground.folder, 's1'));
  truncateSync(join(ground.folder, 's1', '000001.ndjson'), (lines[0]?.length ?? 0) + 1);
  await expect(openAuditLog(options)).rejects.toMatchObject({
    code: 'audit-unavailable',
    message: expect.stringContaining('cut off or replaced'),
  });
});

test('heads are anchored in PostgreSQL, and an anchor out of reach keeps nobody from writing', async () => {
  using ground = temporaryFolder();
  const anchor = await freshDatabase();
  const troubles: string[] = [];
  const open = (where: string) =>
    openAuditLog({
      ...{ folder: ground.folder, log: 's1', anchor: where },
      onTrouble: (what) => troubles.push(what),
    });
  {
    await using audit = await open('postgres://127.0.0.1:1/nothing');
    await audit.append(login(1));
  }
  expect(troubles).toEqual(['The audit log cannot be anchored']);
  {
    await using audit = await open(anchor);
    await audit.append(login(2));
  }
  const folder = ground.folder;
  expect(await verifyLogs(folder, { anchor })).toMatchObject([{ anchored: 2, fault: null }]);
  const [lines = []] = await linesIn(join(folder, 's1'));
  writeFileSync(join(folder, 's1', '000001.ndjson'), `${lines[0]}\n`);
  expect(await verifyLogs(folder, { anchor })).toMatchObject([{ fault: { seq: 2, line: 2 } }]);
  await expect(open(anchor)).rejects.toMatchObject({ code: 'audit-unavailable' });
});
