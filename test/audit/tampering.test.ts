// A thousand tamperings of nine kinds, from a seed: each is found, at the first record that is not
// what was written. The oracle compares lines, and knows nothing of hashes.

import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openAnchor } from '../../src/audit/anchor.ts';
import { hashOfLine } from '../../src/audit/chain.ts';
import { newAuditKey, readVerifyingKeys, type SignedHead } from '../../src/audit/head.ts';
import { segmentAt } from '../../src/audit/segments.ts';
import { verifyLog, verifyLogs } from '../../src/audit/verify.ts';
import { openAuditLog } from '../../src/audit/writer.ts';
import { type Random, seededRandom } from '../../src/core/random.ts';
import { linesIn, login, temporaryFolder } from './ground.ts';

const ground = temporaryFolder();
afterAll(() => ground[Symbol.dispose]());

const size = 60;
const key = newAuditKey();
const keys = readVerifyingKeys(key);

interface Written {
  readonly segments: readonly (readonly string[])[];
  readonly heads: readonly SignedHead[];
}

/** Three openings: heads are anchored after records 20, 40 and 60. */
async function write(where: string, log: string, who: string): Promise<Written> {
  const folder = join(ground.folder, where);
  const anchor = join(folder, 'anchor');
  for (const part of [0, 1, 2]) {
    const options = { folder: join(folder, 'logs'), log, key, anchor, segmentBytesMax: 2_500 };
    await using audit = await openAuditLog(options);
    for (let number = 1; number <= size / 3; number += 1) {
      await audit.append(login(part * 100 + number, { userId: `${who}-${number}` }));
    }
  }
  await using opened = openAnchor(anchor);
  return { segments: await linesIn(join(folder, 'logs', log)), heads: await opened.heads(log) };
}

let log: Written;
let another: Written;
/** What the log was before somebody deleted the folder. */
let former: Written;
beforeAll(async () => {
  log = await write('log', 's1', 'alice');
  another = await write('another', 's2', 'bob');
  former = await write('former', 's1', 'carol');
});

type Segments = string[][];
type Tampering = (segments: Segments, random: Random) => void;

const copyOf = ({ segments }: Written): Segments => segments.map((lines) => [...lines]);

/** The segment and the place in it of the record of this index. */
function find(
  segments: Segments,
  index: number,
): { readonly lines: string[]; readonly at: number } {
  let at = index;
  for (const lines of segments) {
    if (at < lines.length) return { lines, at };
    at -= lines.length;
  }
  throw new RangeError(`no record ${index}`);
}

const lineAt = (segments: Segments, index: number): string => {
  const { lines, at } = find(segments, index);
  return lines[at] ?? '';
};

function splice(segments: Segments, index: number, count: number, ...put: string[]): void {
  for (let left = count; left > 0; left -= 1) {
    const { lines, at } = find(segments, index);
    lines.splice(at, 1);
  }
  const { lines, at } = find(segments, Math.min(index, segments.flat().length - 1));
  lines.splice(index < segments.flat().length ? at : at + 1, 0, ...put);
}

const tamperings: Readonly<Record<string, Tampering>> = {
  edit(segments, random) {
    const { lines, at } = find(segments, random.below(size));
    const line = lines[at] ?? '';
    const column = random.below(line.length);
    const other = String.fromCharCode(33 + random.below(90));
    lines[at] = `${line.slice(0, column)}${other}${line.slice(column + 1)}`;
  },
  delete: (segments, random) => splice(segments, random.below(size - 1), 1 + random.below(3)),
  insert(segments, random) {
    const before = random.below(size - 1);
    const forged = { ...JSON.parse(lineAt(segments, before)), userId: 'mallory' };
    const isWellMade = random.below(2) === 0;
    const place = { seq: before + 2, prev: hashOfLine(lineAt(segments, before)) };
    splice(segments, before + 1, 0, JSON.stringify(isWellMade ? { ...forged, ...place } : forged));
  },
  swap(segments, random) {
    const first = random.below(size - 1);
    const second = first + 1 + random.below(size - 1 - first);
    const [one, two] = [lineAt(segments, first), lineAt(segments, second)];
    splice(segments, first, 1, two);
    splice(segments, second, 1, one);
  },
  duplicate: (segments, random) =>
    splice(segments, random.below(size), 0, lineAt(segments, random.below(size))),
  truncate(segments, random) {
    for (let left = 1 + random.below(size - 1); left > 0; left -= 1) {
      segments.findLast((lines) => lines.length > 0)?.pop();
    }
  },
  splice(segments, random) {
    const other = copyOf(random.below(2) === 0 ? another : former);
    // A run of the former log from its first record on follows the name, as this one's does: where
    // it ends is found, and that is all that the chain can tell.
    const from = 1 + random.below(size - 6);
    const put = Array.from({ length: 1 + random.below(5) }, (_, n) => lineAt(other, from + n));
    splice(segments, from, put.length, ...put);
  },
  replay(segments, random) {
    const old = random.below(segments.length - 1);
    const place = old + 1 + random.below(segments.length - old);
    const source = random.below(2) === 0 ? copyOf(former)[place] : undefined;
    segments[place] = source ?? [...(segments[old] ?? [])];
  },
  behead(segments, random) {
    // Up to where a head is anchored, and with a word that its time was over.
    const isAtHead = random.below(2) === 0;
    const through = isAtHead ? 20 * (1 + random.below(2)) : 1 + random.below(size - 1);
    const last = lineAt(segments, size - 1);
    const note = { kind: 'retired', seq: size + 1, prev: hashOfLine(last), through };
    splice(segments, 0, through);
    segments.at(-1)?.push(JSON.stringify({ ...JSON.parse(last), ...note }));
  },
};

interface Where {
  readonly seq: number;
  readonly segment?: string;
  readonly line?: number;
}

/** The first line that is not what was written, and its place; undefined where none is. */
function firstWrong(segments: Segments): Where | undefined {
  const written = log.segments.flat();
  const all = segments.flatMap((lines, index) =>
    lines.map((text, line) => {
      return { text, segment: segmentAt('', index + 1).name, line: line + 1 };
    }),
  );
  const wrong = all.findIndex(({ text }, index) => text !== written[index]);
  const { segment, line } = all[wrong] ?? {};
  if (segment !== undefined && line !== undefined) return { seq: wrong + 1, segment, line };
  return all.length < written.length ? { seq: all.length + 1 } : undefined;
}

function save(folder: string, segments: Segments): void {
  mkdirSync(folder, { recursive: true });
  for (const [index, lines] of segments.entries()) {
    const { file } = segmentAt(folder, index + 1);
    writeFileSync(file, lines.map((line) => `${line}\n`).join(''));
  }
}

test.each(Object.entries(tamperings))(
  '%s: each of 125 tamperings is found at the first record that is not as written [ASVS 16.4.2]',
  async (name, tamper) => {
    for (let round = 0, found = 0; found < 125; round += 1) {
      const random = seededRandom(`${name} ${round}`);
      const segments = copyOf(log);
      tamper(segments, random);
      const expected = firstWrong(segments);
      if (expected === undefined) continue;
      const folder = join(ground.folder, `${name}-${round}`);
      save(folder, segments);
      const { fault } = await verifyLog('s1', folder, log.heads, keys);
      expect(fault, `${name} ${round}`).toMatchObject(expected);
      rmSync(folder, { recursive: true });
      found += 1;
    }
  },
  120_000,
);

test('what nobody touched is intact, to its last record', async () => {
  const found = await verifyLog('s1', join(ground.folder, 'log', 'logs', 's1'), log.heads, keys);
  expect(found).toMatchObject({ first: 1, last: size, anchored: size, fault: null });
  expect(log.segments.length).toBeGreaterThan(4);
});

test('a chain written anew with right hashes is caught by the anchored head', async () => {
  const folder = join(ground.folder, 'rewritten');
  let prev = JSON.parse(log.segments[0]?.[0] ?? '').prev;
  const anew = log.segments.map((lines) =>
    lines.map((line) => {
      const record = { ...JSON.parse(line), prev };
      if (record.seq === 31) record.userId = 'mallory';
      const changed = JSON.stringify(record);
      prev = hashOfLine(changed);
      return changed;
    }),
  );
  save(folder, anew);
  expect((await verifyLog('s1', folder)).fault).toBeNull();
  const { fault } = await verifyLog('s1', folder, log.heads, keys);
  expect(fault).toMatchObject({ seq: 40, what: expect.stringContaining('from 21 on') });
});

test('a head that another key signed, or none, is refused', async () => {
  const at = join(ground.folder, 'log', 'logs', 's1');
  const forged = log.heads.map((head) => (head.size === 40 ? { ...head, size: 41 } : head));
  expect((await verifyLog('s1', at, forged, keys)).fault).toMatchObject({ seq: 41, segment: null });
  const others = readVerifyingKeys(newAuditKey());
  expect((await verifyLog('s1', at, log.heads, others)).fault).toMatchObject({ seq: 20 });
  const unsigned = log.heads.map((head) => ({ ...head, signature: null }));
  expect((await verifyLog('s1', at, unsigned, keys)).fault).toMatchObject({ seq: 20 });
});

test('a log that is gone as a whole is missed by its anchor', async () => {
  const folder = join(ground.folder, 'gone');
  cpSync(join(ground.folder, 'log'), folder, { recursive: true });
  rmSync(join(folder, 'logs', 's1'), { recursive: true });
  const [found] = await verifyLogs(join(folder, 'logs'), { anchor: join(folder, 'anchor') });
  expect(found).toMatchObject({ log: 's1', last: 0, fault: { seq: 1 } });
});

test('no record shows the key, and each stands on a line of its own', () => {
  const anchor = join(ground.folder, 'log', 'anchor');
  const heads = readdirSync(anchor).map((name) => readFileSync(join(anchor, name), 'utf8'));
  expect([...log.segments.flat(), ...heads].join()).not.toContain(JSON.parse(key).d);
  expect(log.segments.flat()).toHaveLength(size);
});
