// What a file is told to be, under its own name and claim, and under others.

import { open, writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { canonicalType } from '../../src/transfer/media-type.ts';
import { type Agreement, agree, type Content, typeToStore } from '../../src/transfer/mime.ts';
import { openGround, prose, sample, samples } from './mime-ground.ts';

let ground: Awaited<ReturnType<typeof openGround>>;
const contents = new Map<string, Content>();
beforeAll(async () => {
  ground = await openGround();
  for (const { name, bytes } of samples) contents.set(name, await ground.look(bytes));
});
afterAll(() => ground[Symbol.asyncDispose]());

const seen = (name: string): Content => contents.get(name) ?? { type: 'none' };
const mismatch = { mismatch: expect.stringMatching(/: content .+, claim .+, name .+/) };

test('more than forty types are among the samples, and at least ten of text', () => {
  const types = new Set(samples.map(({ type }) => type.split(';')[0]));
  expect(types.size).toBeGreaterThan(40);
  expect([...types].filter((type) => type?.startsWith('text/')).length).toBeGreaterThanOrEqual(9);
});

test.each(samples)('$name is $type', ({ name, type }) => {
  const essence = type.split(';')[0] ?? '';
  expect(agree(seen(name), { claim: '', name })).toEqual({ type });
  expect(agree(seen(name), { claim: essence, name })).toEqual({ type });
  expect(agree(seen(name), { claim: 'application/octet-stream', name })).toEqual({ type });
});

test('without name and claim a file of a signature is known all the same', () => {
  for (const { name, type } of samples.filter((one) => !seen(one.name).text)) {
    // Of these containers only a name or claim says that there is nothing to be seen.
    const shown = name.startsWith('hum.') ? type.replace('audio', 'video') : type;
    expect(agree(seen(name), { claim: '', name: '' }), name).toEqual({ type: shown });
  }
});

/** What else a name or claim may truly say of a sample, by the canonical type that it says. */
const alsoTrue: Readonly<Record<string, readonly string[]>> = {
  'application/zip': 'docx odt ods xlsx pptx epub jar'.split(' '),
  'application/xml': 'svg xhtml atom'.split(' '),
  'application/atom+xml': ['xml'],
  'application/xhtml+xml': ['html'],
  'text/html': ['xhtml', 'md:centred'],
  'application/json': ['geojson'],
  'application/geo+json': ['json'],
  'application/x-ndjson': ['json', 'geojson'],
  'video/mp4': ['m4a'],
  'audio/mp4': ['mp4'],
  'video/webm': ['weba'],
  'audio/webm': ['webm'],
  'text/plain': 'json geojson ics vcf vtt'.split(' '),
};
/** Of these, content shows no more than that they are text. */
const plain = 'txt csv jsonl md js ts css yaml sh eml'.split(' ');
const ending = (name: string) => name.split('.').at(-1) ?? '';
const isTrue = (name: string, word: string) =>
  (alsoTrue[word] ?? []).some((one) => one === ending(name) || one === `md:${name.split('.')[0]}`);
const typeOf = (type: string) => type.split(';')[0] ?? '';

/** Pairs of a sample and another sample's type, that content can tell apart. */
function* strangers() {
  for (const one of samples) {
    for (const other of samples) {
      const word = typeOf(other.type);
      const arePlain = plain.includes(ending(one.name)) && plain.includes(ending(other.name));
      const isFragment = one.name === 'centred.md' && word === 'text/markdown';
      const isNothing = word === 'application/octet-stream';
      const isSaid = isNothing || word === typeOf(one.type) || isTrue(one.name, word) || isFragment;
      if (!isSaid && (!arePlain || one.name === 'centred.md')) yield { one, other, word };
    }
  }
}

test('a renamed file is caught, whatever it is and whatever it is renamed to', () => {
  const pairs = [...strangers()];
  expect(pairs.length).toBeGreaterThan(3000);
  for (const { one, other } of pairs) {
    const told = agree(seen(one.name), { claim: '', name: other.name });
    expect(told, `${one.name} as ${other.name}`).toEqual(mismatch);
  }
});

test('a false claim is caught, whatever it claims', () => {
  for (const { one, word } of strangers()) {
    const told = agree(seen(one.name), { claim: word, name: one.name });
    expect(told, `${one.name} as ${word}`).toEqual(mismatch);
  }
});

test('a name or claim that is true in general does not blur what content shows', () => {
  const docx = seen('letter.docx');
  expect(agree(docx, { claim: 'application/zip', name: 'letter.docx' })).toEqual({
    type: docx.type,
  });
  const svg = { claim: 'text/xml', name: 'drawing.svg' };
  expect(agree(seen('drawing.svg'), svg)).toEqual({ type: 'image/svg+xml' });
  const json = { claim: 'text/plain', name: 'data.json' };
  expect(agree(seen('data.json'), json)).toEqual({ type: 'application/json' });
});

test.each([
  ['audio/x-wav', 'tone.wav'],
  ['audio/vnd.wave', 'tone.wav'],
  ['application/x-zip-compressed', 'two.zip'],
  ['application/x-gzip', 'two.tar.gz'],
  ['image/jpg', 'square.jpg'],
  ['IMAGE/PJPEG', 'square.jpg'],
  ['image/x-icon', 'square.ico'],
  ['text/xml', 'note.xml'],
  ['application/javascript', 'program.js'],
  ['text/x-vcard', 'anna.vcf'],
  ['text/rtf', 'letter.rtf'],
  ['application/vnd.ms-excel', 'table.csv'],
])('%s is understood of %s', (claim, name) => {
  const type = samples.find((one) => one.name === name)?.type;
  expect(agree(seen(name), { claim, name })).toEqual({ type });
});

describe('a charset', () => {
  const of = (name: string, charset: string) =>
    agree(seen(name), { claim: `text/plain; charset=${charset}`, name });
  const told = (charset: string) => ({ type: `text/plain; charset=${charset}` });

  test('that content proves is stored, and another one is refused', () => {
    expect(of('utf8.txt', 'UTF-8')).toEqual(told('utf-8'));
    expect(of('utf8.txt', 'iso-8859-1')).toEqual(mismatch);
    expect(of('utf16le.txt', '"utf-16"')).toEqual(told('utf-16le'));
    expect(of('utf16be-mark.txt', 'utf-16')).toEqual(told('utf-16be'));
    expect(of('utf16be.txt', 'utf-16')).toEqual(told('utf-16be'));
    expect(of('utf16be-mark.txt', 'utf-16le')).toEqual(mismatch);
    expect(of('utf16be-mark.txt', 'utf-8')).toEqual(mismatch);
    expect(of('ascii.txt', 'utf-16le')).toEqual(mismatch);
  });

  test('that content leaves open is believed, if the text can be read so', () => {
    expect(of('latin1.txt', 'iso-8859-1')).toEqual(told('windows-1252'));
    expect(of('latin1.txt', 'koi8-r')).toEqual(told('koi8-r'));
    expect(of('latin1.txt', 'utf-8')).toEqual(mismatch);
    expect(of('shift-jis.txt', 'shift_jis')).toEqual(told('shift_jis'));
  });

  test('of seven bits is UTF-8, and one that no browser follows is refused', () => {
    expect(of('ascii.txt', 'us-ascii')).toEqual(told('utf-8'));
    expect(of('ascii.txt', 'utf-7')).toEqual(mismatch);
    expect(of('ascii.txt', 'x-none')).toEqual(mismatch);
  });

  test('that markup declares is a better guess than statistics', async () => {
    const page = Buffer.from(`<html><meta charset="iso-8859-2"><p>${prose}`, 'latin1');
    expect(await ground.tell(page)).toEqual({ type: 'text/html; charset=iso-8859-2' });
  });
});

describe('what runs in a browser', () => {
  test('is never called so on a claim or a name alone', async () => {
    for (const claim of [
      'text/html',
      'image/svg+xml',
      'application/xml',
      'application/xhtml+xml',
    ]) {
      expect(await ground.tell('hello', { claim }), claim).toEqual(mismatch);
    }
    expect(await ground.tell('hello', { name: 'a.html' })).toEqual(mismatch);
    expect(await ground.tell('a()', { claim: 'text/javascript' })).toEqual({
      type: 'text/plain; charset=utf-8',
    });
    const txt = { claim: 'text/javascript', name: 'a.txt' };
    expect(await ground.tell('a()', txt)).toEqual(mismatch);
  });

  test('is never called harmless on a claim or a name alone', async () => {
    for (const name of ['page.html', 'page.xhtml', 'drawing.svg', 'note.xml']) {
      expect(agree(seen(name), { claim: 'text/plain', name: 'a.txt' }), name).toEqual(mismatch);
      expect(agree(seen(name), { claim: 'text/plain', name: '' }), name).toEqual(mismatch);
    }
  });
});

test('claim and name that contradict each other are refused, though content allows both', () => {
  expect(agree(seen('table.csv'), { claim: 'text/markdown', name: 'a.csv' })).toEqual(mismatch);
});

test('a claim that is no media type is refused, and is not repeated if it cannot be printed', async () => {
  const told = await ground.tell('x', { claim: 'text/pl\r\nain\u202e' });
  expect(told).toEqual(mismatch);
  expect(JSON.stringify(told)).not.toMatch(/\\r|\\n|\u202e/);
});

test('a type of no file name is not stored, however it is claimed', async () => {
  const told = await ground.tell('x', { claim: 'text/of-my-own' });
  expect(told).toEqual({ type: 'text/plain; charset=utf-8' });
});

test('the policy refuses what disagrees, or stores it as bytes', async () => {
  await writeFile(ground.path, sample('square.png'));
  await using file = await open(ground.path, 'r');
  const said = { claim: 'image/gif', name: 'square.gif' };
  expect(await typeToStore(file, said, 'refuse')).toEqual(mismatch);
  const bytes: Agreement = { type: 'application/octet-stream' };
  expect(await typeToStore(file, said, 'octet-stream')).toEqual(bytes);
  const honest = { claim: 'image/png', name: 'square.png' };
  expect(await typeToStore(file, honest, 'octet-stream')).toEqual({ type: 'image/png' });
});

test('a canonical name is its own canonical name', () => {
  for (const { type } of samples) expect(canonicalType(type)).toBe(typeOf(type));
});
