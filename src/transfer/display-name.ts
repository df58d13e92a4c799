// The name of a file as people see it, made from whatever somebody sent: it can be shown without
// misleading, and used as a file name on Linux, macOS and Windows without leaving a folder, hiding,
// or naming a device. It names nothing in the vault. Whoever receives a name applies this again,
// for a server may lie too.

import { extname } from 'node:path';

/** ext4 and APFS count bytes; NTFS counts units of UTF-16, which are never more. */
const bytesMax = 255;
const extensionBytesMax = 64;

/**
 * Controls, formats (what turns the direction of writing among them), halves of pairs, line ends,
 * and what shows nothing. Private ones are how SMB for macOS writes what Windows forbids.
 */
const unseen = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu;
/** What Windows takes for a wildcard, a stream or a pipe, and what it may narrow to a separator. */
const forbidden = /[<>:"|?*\u2044\u2215\u2216\u29f5\u29f8\ufe68\uff0f\uff1a\uff3c]/g;
/** Many blanks push an extension out of sight. */
const blanks = /[\s\u2800]+/g;
/** At the front: hidden files, options and home folders; at the end: what Windows drops. */
const ends = /^[ .~-]+|[ .]+$/g;
/** Devices of Windows, whatever extension follows. */
const device = /^(con|prn|aux|nul|clock\$|conin\$|conout\$|com[\d¹²³]|lpt[\d¹²³]) *(\.|$)/i;

/** At most 255 bytes of UTF-8 in NFC; of the same name it makes the same name. */
export function displayName(raw: string): string {
  const last = raw.split(/[/\\]/).findLast((part) => tidied(part) !== '') ?? '';
  const name = tidied(last);
  if (name === '') return 'unnamed';
  return shortened(device.test(name) ? `_${name}` : name);
}

function tidied(part: string): string {
  const plain = part.replace(blanks, ' ').replace(unseen, '').replace(forbidden, '_');
  return plain.normalize('NFC').replace(blanks, ' ').replace(ends, '');
}

/** The extension is kept, because it is what people and systems go by. */
function shortened(name: string): string {
  if (Buffer.byteLength(name) <= bytesMax) return name;
  const extension = extname(name);
  const kept = Buffer.byteLength(extension) <= extensionBytesMax ? extension : '';
  const stem = Buffer.from(name.slice(0, name.length - kept.length));
  let end = bytesMax - Buffer.byteLength(kept);
  // Not through the middle of a character: the bytes after the first begin with 10.
  while (((stem[end] ?? 0) & 0xc0) === 0x80) end -= 1;
  return stem.toString('utf8', 0, end).replace(ends, '') + kept;
}
