// Files made to be taken for something else, to crash whoever looks, or to keep him looking.

import { type FileHandle, open, truncate, writeFile } from 'node:fs/promises';
import { crc32, deflateRawSync } from 'node:zlib';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { agree, contentOf } from '../../src/transfer/mime.ts';
import { openGround, prose, sample, samples } from './mime-ground.ts';

let ground: Awaited<ReturnType<typeof openGround>>;
beforeAll(async () => {
  ground = await openGround();
});
afterAll(() => ground[Symbol.asyncDispose]());

const mismatch = { mismatch: expect.any(String) };
const isActive = (type: string) => /html|xml|javascript/.test(type);
const script = '<script>alert(1)</script>';

/** A PNG with a text chunk, its sum included, before the image data. */
function pngSaying(words: string): Buffer {
  const png = sample('square.png');
  const body = Buffer.from(`tEXtComment\0${words}`, 'latin1');
  const length = Buffer.alloc(4);
  length.writeUInt32BE(body.length - 4);
  const sum = Buffer.alloc(4);
  sum.writeUInt32BE(crc32(body));
  return Buffer.concat([png.subarray(0, 33), length, body, sum, png.subarray(33)]);
}

const polyglots: readonly (readonly [string, Buffer, string])[] = [
  ['a GIF that is JavaScript', Buffer.from('GIF89a/*\u0001*/=1;alert(1)'), 'image/gif'],
  ['a GIF of letters that is JavaScript', Buffer.from('GIF89a=1;alert(1)'), 'image/gif'],
  ['a PNG with a script in a comment', pngSaying(script), 'image/png'],
  ['a JPEG and a ZIP', Buffer.concat([sample('square.jpg'), sample('two.zip')]), 'image/jpeg'],
  ['a GIF and a JAR', Buffer.concat([sample('square.gif'), sample('hello.jar')]), 'image/gif'],
  ['a PDF and a ZIP', Buffer.concat([sample('page.pdf'), sample('two.zip')]), 'application/pdf'],
  ['a PDF of letters and a page', Buffer.from(`%PDF-1.4\n${script}`), 'application/pdf'],
  ['a BMP and a page', Buffer.concat([sample('square.bmp'), Buffer.from(script)]), 'image/bmp'],
  ['an SVG with a script', Buffer.from(`<svg>${script}</svg>`), 'image/svg+xml'],
];

test.each(polyglots)('%s is what it begins as, and is caught as anything else', async (...row) => {
  const [, bytes, type] = row;
  const content = await ground.look(bytes);
  expect(agree(content, { claim: '', name: '' })).toEqual({ type });
  for (const name of ['a.js', 'a.html', 'a.zip', 'a.jar', 'a.pdf', 'a.gif', 'a.txt', 'a.svg']) {
    const told = agree(content, { claim: '', name });
    if (!('type' in told)) expect(told).toEqual(mismatch);
    else expect(told, name).toEqual({ type });
  }
  expect(agree(content, { claim: 'text/html', name: 'a.html' })).toEqual(mismatch);
  expect(agree(content, { claim: 'text/javascript', name: 'a.js' })).toEqual(mismatch);
});

test.each([
  script,
  `   \r\n\t${script}`,
  `\ufeff${script}`,
  `\ufeff \ufeff${script}`,
  `<!-- quiet -->${script}`,
  `<!-->${script}`,
  `<!-- a --!>${script}-->`,
  '<!doctype html>hello',
  '<!DOCTYPE\nHTML PUBLIC "x">',
  '<HTML><B>',
  '<hTmL\n>',
  '<body onload=alert(1)>',
  '<iframe/src=x>',
  `<!--${'-'.repeat(70_000)}-->${script}`,
  '<img src=x onerror=alert(1)>',
])('what begins like a page is no harmless text: %j', async (page) => {
  for (const encoding of ['utf8', 'utf16le'] as const) {
    const marked = encoding === 'utf8' || page.startsWith('\ufeff') ? page : `\ufeff${page}`;
    const content = await ground.look(Buffer.from(marked, encoding));
    expect(content.type).toBe('text/html');
    expect(agree(content, { claim: 'text/plain', name: 'a.txt' })).toEqual(mismatch);
    expect(agree(content, { claim: 'text/csv', name: 'a.csv' })).toEqual(mismatch);
    expect(agree(content, { claim: 'image/png', name: 'a.png' })).toEqual(mismatch);
  }
});

test('sentences that begin with the bytes of a signature are sentences', async () => {
  const words = [
    'BMW',
    'MZ',
    'the free lunch',
    '%!TEX',
    'GIF is',
    'PK',
    'FORM',
    'solid gold',
    'ID3',
  ];
  for (const word of [...words, 'MAC ', 'icns', 'AC1000', 'x\x01'.slice(0, 1), 'SQLi', 'BZh']) {
    const told = await ground.tell(`${word} and so on, at length\n`, { name: 'a.txt' });
    expect(told, word).toEqual({ type: 'text/plain; charset=utf-8' });
  }
  const german = Buffer.from(`BMW ${prose}`, 'latin1');
  expect(await ground.tell(german)).toEqual({ type: 'text/plain; charset=windows-1252' });
});

test('nothing, one byte and zeros are no more than they are', async () => {
  expect(await ground.tell('')).toEqual({ type: 'text/plain; charset=utf-8' });
  expect(await ground.tell('', { name: 'a.png' })).toEqual(mismatch);
  expect(await ground.tell('', { claim: 'text/html', name: 'a.html' })).toEqual(mismatch);
  for (let byte = 0; byte < 256; byte += 1) {
    const { type } = await ground.look(Buffer.of(byte));
    const isText = byte < 0x80 && (byte > 31 || [9, 10, 12, 13, 27].includes(byte));
    expect(type, String(byte)).toBe(isText ? 'text/plain' : 'application/octet-stream');
  }
  for (const bytes of [1, 2, 512, 4096, 40_000]) {
    const zeros = Buffer.alloc(bytes);
    expect(await ground.tell(zeros)).toEqual({ type: 'application/octet-stream' });
    expect(await ground.tell(zeros, { claim: 'text/plain' })).toEqual(mismatch);
    expect(await ground.tell(zeros, { name: 'a.iso' })).toEqual(mismatch);
  }
});

test('a real program is an ELF, whatever its length', {
  skip: process.platform !== 'linux',
}, async () => {
  await using file = await open(process.execPath);
  expect((await contentOf(file)).type).toBe('application/x-elf');
});

test('a file cut off anywhere is what it was, or less, and never runs in a browser', async () => {
  await using file = await open(ground.path, 'w+');
  for (const { name, bytes, type } of samples) {
    await file.truncate(0);
    await file.write(bytes, 0, bytes.length, 0);
    for (let length = bytes.length; length >= 0; length -= length > 512 ? 97 : 1) {
      await file.truncate(length);
      const cut = await contentOf(file);
      if (!isActive(type) && !name.endsWith('.md')) {
        expect(isActive(cut.type), `${name} cut to ${length}: ${cut.type}`).toBe(false);
      }
    }
  }
}, 120_000);

test('random bytes after any signature crash nothing, and are told the same twice', async () => {
  const heads = samples.map(({ bytes }) => bytes.subarray(0, 64));
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...heads),
      fc.nat(64),
      fc.uint8Array({ maxLength: 600 }),
      async (head, kept, rest) => {
        const bytes = Buffer.concat([head.subarray(0, kept), rest]);
        const [once, again] = [await ground.look(bytes), await ground.look(bytes)];
        expect([again.type, again.text?.charset]).toEqual([once.type, once.text?.charset]);
      },
    ),
    { numRuns: 500 },
  );
});

/** How much is asked of a file while its type is told. */
async function readFor(file: FileHandle) {
  const read = vi.spyOn(file, 'read');
  const { type } = await contentOf(file);
  const lengths = read.mock.calls.map((call) => Number(Reflect.get(call, 2)));
  return { type, bytes: lengths.reduce((sum, one) => sum + one, 0), reads: lengths.length };
}

test.each([
  ['the beginning of a text', Buffer.from(prose.repeat(1000)), 'application/octet-stream'],
  ['the beginning of a PNG', sample('square.png'), 'image/png'],
  ['the beginning of a ZIP', sample('two.zip').subarray(0, 60), 'application/zip'],
  ['the beginning of a gzip', sample('text.txt.gz'), 'application/gzip'],
  ['nothing', Buffer.alloc(0), 'application/octet-stream'],
])('of 10 GiB that are %s and zeros, little is read', async (_what, head, type) => {
  await writeFile(ground.path, head);
  await truncate(ground.path, 10 * 1024 ** 3);
  await using file = await open(ground.path);
  const told = await readFor(file);
  expect(told.type).toBe(type);
  expect(told.bytes).toBeLessThan(9.1 * 1024 ** 2);
});

test('a large text is one wherever its windows begin within a character', async () => {
  const megabyte = 1024 * 1024;
  for (const unit of ['aé€😀', '😀', '€']) {
    const long = Buffer.from(unit.repeat(megabyte / 2)).subarray(0, 3 * megabyte);
    for (let more = 0; more < 8; more += 1) {
      const bytes = Buffer.concat([Buffer.from('x'.repeat(more)), Buffer.from(long.toString())]);
      const { text } = await ground.look(bytes);
      const isCut = long.toString().endsWith('\ufffd');
      if (!isCut) expect(text?.charset, `${unit} ${more}`).toBe('utf-8');
    }
  }
  const wide = Buffer.from(`\ufeff${'a😀b'.repeat(megabyte / 2)}`, 'utf16le');
  expect((await ground.look(wide)).text?.charset).toBe('utf-16le');
  const late = Buffer.concat([
    Buffer.alloc(megabyte, 'a line\n'),
    Buffer.from(prose.repeat(20_000), 'latin1'),
  ]);
  expect((await ground.look(late)).text?.charset).toBe('windows-1252');
});

test('a large text with something else in its middle or at its end is no text', async () => {
  const bytes = Buffer.alloc(4 * 1024 * 1024, 'a line\n');
  const half = Buffer.from(bytes).fill(0, 1024 * 1024);
  expect((await ground.look(half)).type).toBe('application/octet-stream');
  const last = Buffer.from(bytes);
  last[last.length - 1] = 0;
  expect((await ground.look(last)).type).toBe('application/octet-stream');
});

/** A local entry of a ZIP whose sizes may lie. */
function entry(name: string, data: Buffer, size: number, method: number, flags = 0): Buffer {
  const head = Buffer.alloc(30);
  head.writeUInt32LE(0x04034b50, 0);
  head.writeUInt16LE(20, 4);
  head.writeUInt16LE(flags, 6);
  head.writeUInt16LE(method, 8);
  head.writeUInt32LE(flags === 8 ? 0 : data.length, 18);
  head.writeUInt32LE(size, 22);
  head.writeUInt16LE(name.length, 26);
  return Buffer.concat([head, Buffer.from(name), data]);
}
const bomb = deflateRawSync(Buffer.alloc(256 * 1024 * 1024));
const chunk = Buffer.from('00000000744558740000000', 'latin1');

const hostile: readonly (readonly [string, () => Buffer])[] = [
  ['a bomb as content types', () => entry('[Content_Types].xml', bomb, 256 * 1024 * 1024, 8)],
  ['a bomb that lies about its size', () => entry('[Content_Types].xml', bomb, 100, 8)],
  ['a bomb as mimetype', () => entry('mimetype', bomb, 100, 8)],
  ['a bomb of unknown size', () => entry('[Content_Types].xml', bomb, 0, 8, 8)],
  ['100,000 entries', () => Buffer.concat(Array(100_000).fill(entry('a', Buffer.alloc(0), 0, 0)))],
  ['an entry without end', () => entry('a', Buffer.alloc(4 * 1024 * 1024, 'PK'), 0, 0, 8)],
  ['a name of 64 KiB', () => entry('a'.repeat(65_535), Buffer.alloc(0), 0, 0)],
  [
    'a PNG of a million chunks',
    () => Buffer.concat([sample('square.png').subarray(0, 33), ...Array(300_000).fill(chunk)]),
  ],
  [
    'tags of ID3 in tags',
    () => Buffer.concat(Array(100_000).fill(Buffer.from('ID3\x03\0\0\0\0\0\0'))),
  ],
  [
    'a gzip of nothing',
    () => Buffer.concat([Buffer.from('1f8b0800000000000003', 'hex'), Buffer.alloc(4e6)]),
  ],
  [
    'a TIFF of 65,535 tags',
    () => Buffer.concat([Buffer.from('49492a0008000000ffff', 'hex'), Buffer.alloc(4e6)]),
  ],
  ['marks upon marks', () => Buffer.concat([Buffer.from('\ufeff'.repeat(300_000)), Buffer.of(0)])],
  ['brackets within brackets', () => Buffer.alloc(1024 * 1024, '[')],
  ['comments upon comments', () => Buffer.alloc(1024 * 1024, '<!---->')],
  ['comments that do not end', () => Buffer.alloc(1024 * 1024, '<!--')],
  ['ends that do not begin', () => Buffer.alloc(1024 * 1024, '</')],
  ['white space', () => Buffer.alloc(1024 * 1024, ' \n')],
  ['a declaration of white space', () => Buffer.from(`<a charset${' '.repeat(1024 * 1000)}`)],
];

test.each(hostile)('%s is looked at in bounded reading', async (_what, make) => {
  await writeFile(ground.path, make());
  await using file = await open(ground.path);
  const told = await readFor(file);
  expect(told.bytes).toBeLessThan(9.1 * 1024 ** 2);
  expect(told.reads).toBeLessThan(20_000);
  expect((await contentOf(file)).type).toBe(told.type);
});

test('a disk that fails is not taken for a file of no known type', async () => {
  for (const bytes of [sample('square.png'), sample('ascii.txt')]) {
    await writeFile(ground.path, bytes);
    await using file = await open(ground.path, 'a');
    await expect(contentOf(file)).rejects.toMatchObject({ code: 'EBADF' });
  }
});
