// The files that types are told of: real ones from files/, and texts, each with what it is.

import { readFileSync } from 'node:fs';
import { mkdtemp, open, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Agreement, agree, contentOf, type Said } from '../../src/transfer/mime.ts';

export interface Sample {
  readonly name: string;
  readonly bytes: Buffer;
  /** What it is stored as under its own name. */
  readonly type: string;
}

const office = 'application/vnd.openxmlformats-officedocument';
const openDocument = 'application/vnd.oasis.opendocument';

const files: Readonly<Record<string, string>> = {
  'add.wasm': 'application/wasm',
  'blink.mp4': 'video/mp4',
  'boats.crx': 'application/x-google-chrome-extension',
  'book.epub': 'application/epub+zip',
  'film.webm': 'video/webm',
  'hello.a': 'application/x-unix-archive',
  'hello.class': 'application/java-vm',
  'hello.deb': 'application/vnd.debian.binary-package',
  'hello.jar': 'application/java-archive',
  'hello.o': 'application/x-elf',
  'hum.m4a': 'audio/mp4',
  'hum.weba': 'audio/webm',
  'letter.docx': `${office}.wordprocessingml.document`,
  'letter.odt': `${openDocument}.text`,
  'letter.ps': 'application/postscript',
  'note.mid': 'audio/midi',
  'nothing.exe': 'application/vnd.microsoft.portable-executable',
  'page.pdf': 'application/pdf',
  'sheet.ods': `${openDocument}.spreadsheet`,
  'sheet.xlsx': `${office}.spreadsheetml.sheet`,
  'square.bmp': 'image/bmp',
  'square.gif': 'image/gif',
  'square.ico': 'image/vnd.microsoft.icon',
  'square.jpg': 'image/jpeg',
  'square.png': 'image/png',
  'square.tif': 'image/tiff',
  'square.webp': 'image/webp',
  'table.sqlite': 'application/vnd.sqlite3',
  'talk.pptx': `${office}.presentationml.presentation`,
  'text.txt.bz2': 'application/x-bzip2',
  'text.txt.gz': 'application/gzip',
  'text.txt.lz4': 'application/x-lz4',
  'text.txt.xz': 'application/x-xz',
  'text.txt.zst': 'application/zstd',
  'tone.aiff': 'audio/aiff',
  'tone.au': 'application/octet-stream',
  'tone.wav': 'audio/wav',
  'two.tar': 'application/x-tar',
  'two.tar.gz': 'application/gzip',
  'two.zip': 'application/zip',
  'koi8-r.txt': 'text/plain; charset=koi8-r',
  'shift-jis.txt': 'text/plain; charset=shift_jis',
};

export const prose =
  'Größe und Maß: zwölf Bäume, fünf Häuser, schön für alle.\nDie Straße führt über die Brücke.\n';
const utf16be = (text: string) => Buffer.from(text, 'utf16le').swap16();

const texts: readonly (readonly [string, string | Buffer, string])[] = [
  ['ascii.txt', 'the free words\nof a second line\n', 'text/plain; charset=utf-8'],
  ['utf8.txt', prose, 'text/plain; charset=utf-8'],
  ['utf8-mark.txt', `\ufeff${prose}`, 'text/plain; charset=utf-8'],
  ['utf16le.txt', Buffer.from(prose, 'utf16le'), 'text/plain; charset=utf-16le'],
  ['utf16le-mark.txt', Buffer.from(`\ufeff${prose}`, 'utf16le'), 'text/plain; charset=utf-16le'],
  ['utf16be.txt', utf16be(prose), 'text/plain; charset=utf-16be'],
  ['utf16be-mark.txt', utf16be(`\ufeff${prose}`), 'text/plain; charset=utf-16be'],
  ['latin1.txt', Buffer.from(prose, 'latin1'), 'text/plain; charset=windows-1252'],
  ['table.csv', 'name,size\n"Müller, Anna",3\n', 'text/csv; charset=utf-8'],
  ['data.json', '{\n  "name": "Zoë",\n  "sizes": [1, 2.5, null]\n}\n', 'application/json'],
  ['place.geojson', '{"type":"Point","coordinates":[8.5,47.4]}\n', 'application/geo+json'],
  ['lines.jsonl', '{"a":1}\n{"a":2}\n', 'application/x-ndjson; charset=utf-8'],
  ['note.xml', '<?xml version="1.0"?>\n<note>x</note>\n', 'application/xml; charset=utf-8'],
  ['bare.xml', '<note>\n  <to>Anna</to>\n</note>\n', 'application/xml; charset=utf-8'],
  ['feed.atom', '<?xml version="1.0"?><feed xmlns="urn:x"/>', 'application/atom+xml'],
  ['drawing.svg', '<svg xmlns="http://www.w3.org/2000/svg"><g/></svg>\n', 'image/svg+xml'],
  ['page.html', '<!doctype html>\n<title>A</title><p>x</p>\n', 'text/html; charset=utf-8'],
  ['page.xhtml', '<?xml version="1.0"?><html xmlns="urn:x"/>', 'application/xhtml+xml'],
  ['readme.md', '# A title\n\nSome *words*.\n', 'text/markdown; charset=utf-8'],
  ['centred.md', '<h1 align="center">A</h1>\n\n*x*\n', 'text/markdown; charset=utf-8'],
  ['program.js', "console.log('hello');\n", 'text/javascript; charset=utf-8'],
  ['program.ts', 'export const a: string = "x";\n', 'text/typescript; charset=utf-8'],
  ['style.css', 'body { color: #123; }\n', 'text/css; charset=utf-8'],
  ['config.yaml', 'list:\n  - one\n  - two\n', 'application/yaml; charset=utf-8'],
  ['script.sh', '#!/bin/sh\necho hello\n', 'application/x-sh; charset=utf-8'],
  ['mail.eml', 'From: a@example.org\nSubject: x\n\nHello\n', 'message/rfc822; charset=utf-8'],
  ['meeting.ics', 'BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n', 'text/calendar; charset=utf-8'],
  ['anna.vcf', 'BEGIN:VCARD\r\nFN:Anna\r\nEND:VCARD\r\n', 'text/vcard; charset=utf-8'],
  ['film.vtt', 'WEBVTT\n\n00:00.000 --> 00:01.000\nHello\n', 'text/vtt; charset=utf-8'],
  ['letter.rtf', '{\\rtf1\\ansi Hello\\par}\n', 'application/rtf'],
];

export const samples: readonly Sample[] = [
  ...Object.entries(files).map(([name, type]) => ({
    name,
    bytes: readFileSync(new URL(`files/${name}`, import.meta.url)),
    type,
  })),
  ...texts.map(([name, text, type]) => ({ name, bytes: Buffer.from(text), type })),
];

export const sample = (name: string): Buffer => {
  const found = samples.find((one) => one.name === name);
  if (!found) throw new RangeError(`no sample ${name}`);
  return found.bytes;
};

/** A place for one file at a time, as the vault would have it. */
export async function openGround() {
  const folder = await mkdtemp(join(tmpdir(), 'mime-'));
  const path = join(folder, 'content');
  const look = async (bytes: Buffer) => {
    await writeFile(path, bytes);
    await using file = await open(path, 'r');
    return await contentOf(file);
  };
  return {
    path,
    look,
    tell: async (bytes: Buffer | string, said: Partial<Said> = {}): Promise<Agreement> =>
      agree(await look(Buffer.from(bytes)), { claim: '', name: '', ...said }),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true }),
  };
}
