// Names that somebody sent: what is made of them, for any text and for those known to do harm.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { displayName } from '../../src/transfer/display-name.ts';

const nasty = fc.constantFrom(
  ...['/', '\\', '..', '.', ' ', '\0', '\x1b[2J', '\r\n', '\u202e', '\u200b', '\u2800', '\ud800'],
  ...[
    'con',
    'NUL',
    'com¹',
    'lpt1',
    'CONIN$',
    ':',
    '*',
    '?',
    '"',
    '<',
    '>',
    '|',
    '~',
    '-',
    '\uff0f',
  ],
  ...[
    '.txt',
    '.tar.gz',
    'e\u0301',
    '\u212a',
    '\u037e',
    '\uf022',
    'ﬁ',
    '文',
    '😀',
    '\u3164',
    '\ufe0f',
  ],
);
const anyName = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 400 }),
  fc
    .array(fc.oneof(nasty, fc.string({ unit: 'grapheme' })), { maxLength: 120 })
    .map((all) => all.join('')),
);

test('whatever the name, what is made of it is harmless everywhere', () => {
  fc.assert(
    fc.property(anyName, (raw) => {
      const name = displayName(raw);
      expect(name).not.toBe('');
      expect(Buffer.byteLength(name)).toBeLessThanOrEqual(255);
      expect(name).toBe(name.normalize('NFC'));
      expect(name.isWellFormed()).toBe(true);
      expect(name).not.toMatch(/[\p{Cc}\p{Cf}\p{Co}\p{Zl}\p{Zp}]/u);
      expect(name).not.toMatch(/[/\\<>:"|?*]/);
      expect(name).not.toMatch(/^[\s.~-]|[\s.]$|\s\s/);
      const base = name.split('.')[0]?.trimEnd().toLowerCase();
      expect(base).not.toMatch(/^(con|prn|aux|nul|conin\$|conout\$|clock\$|(com|lpt)[0-9¹²³])$/);
    }),
    { numRuns: 3_000 },
  );
});

test('what is made of a name that was made is the same', () => {
  fc.assert(
    fc.property(anyName, (raw) => {
      expect(displayName(displayName(raw))).toBe(displayName(raw));
    }),
    { numRuns: 3_000 },
  );
});

test('a name that is long keeps its extension, and is as long as it may be', () => {
  const word = fc.string({ unit: fc.constantFrom('a', 'é', '文', '😀'), minLength: 250 });
  fc.assert(
    fc.property(word, (stem) => {
      const name = displayName(`${stem}.tar.zst`);
      expect(name.endsWith('.zst')).toBe(true);
      expect(Buffer.byteLength(name)).toBeGreaterThan(251);
    }),
  );
});

test('a long name of a device is no longer than another', () => {
  expect(Buffer.byteLength(displayName(`con.${'x'.repeat(300)}`))).toBe(255);
  expect(Buffer.byteLength(displayName(`con.${'x'.repeat(251)}`))).toBe(255);
});

test.each([
  ['report.pdf', 'report.pdf'],
  ['Übersicht 2026 (final).md', 'Übersicht 2026 (final).md'],
  ['../../etc/passwd', 'passwd'],
  ['/absolute/path.txt', 'path.txt'],
  ['C:\\Windows\\win.ini', 'win.ini'],
  ['C:win.ini', 'C_win.ini'],
  ['file.txt::$DATA', 'file.txt__$DATA'],
  ['folder/', 'folder'],
  ['..', 'unnamed'],
  ['', 'unnamed'],
  [' . . ', 'unnamed'],
  ['.npmrc', 'npmrc'],
  ['-rf', 'rf'],
  ['~root', 'root'],
  ['nul', '_nul'],
  ['Com1.txt', '_Com1.txt'],
  ['aux .c', '_aux .c'],
  ['lpt².doc', '_lpt².doc'],
  ['console.log', 'console.log'],
  ['photo\u202egnp.exe', 'photognp.exe'],
  ['invoice.pdf                    .exe', 'invoice.pdf .exe'],
  ['\x1b]0;owned\x07a.txt', ']0;owneda.txt'],
  ['a\0.png', 'a.png'],
  ['trailing.', 'trailing'],
  ['cafe\u0301.txt', 'café.txt'],
  ['a\uff0fb', 'a_b'],
  ['a.txt\ud800', 'a.txt'],
])('%j is shown as %j', (raw, shown) => {
  expect(displayName(raw)).toBe(shown);
});
