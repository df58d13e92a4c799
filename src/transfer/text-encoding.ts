// Whether bytes are text, and in which encoding. UTF-8 and UTF-16 prove themselves: hardly
// anything else is valid in them. The older encodings do not (any byte is a letter in most of
// them), so there the statistics of chardet are a guess, which a claim may correct as long as the
// bytes can be read so. Text has none of the bytes that the MIME Sniffing Standard calls binary: a
// text with a NUL is no text. Encodings have the names of the WHATWG Encoding Standard, where
// ISO-8859-1 is windows-1252.

import { analyse } from 'chardet';

export interface Text {
  /** Where the text begins, decoded, without byte order mark; all of it if there is one window. */
  readonly head: string;
  readonly charset: string;
  /** The name to store for a claimed charset; undefined if the text cannot be meant so. */
  confirm(label: string): string | undefined;
}

const chardetBytesMax = 16 * 1024;
const confidenceMin = 20;

/** A bit for each control character that texts have: tab, line feed, form feed, return, escape. */
const allowed = (1 << 9) | (1 << 10) | (1 << 12) | (1 << 13) | (1 << 27);
const rare = /[\u0080-\u009f\ufffd]/u;

/** Text, if every window is: the first is the beginning of the file, the last its end. */
export function textOf(windows: readonly Buffer[]): Text | undefined {
  const first = windows[0] ?? Buffer.alloc(0);
  const mark = markOf(first);
  for (const charset of mark === undefined ? ['utf-8', 'utf-16le', 'utf-16be'] : [mark]) {
    const head = readAll(windows, charset);
    if (head === undefined) continue;
    if (mark === undefined && charset !== 'utf-8' && !isMostlyAscii(head)) continue;
    const confirm = (label: string) => {
      const other = decode(first, label, windows.length === 1);
      if (other === head || nameOf(label) === charset) return charset;
      // Either order of bytes is UTF-16 (RFC 2781), though browsers mean the little one by it.
      if (/^\s*utf-16\s*$/i.test(label) && charset === 'utf-16be') return charset;
      // Seven bits with escapes: only a claim tells ISO-2022-JP from ASCII with colours.
      const isEscaped = other !== undefined && head.includes('\u001b');
      return isEscaped && nameOf(label) === 'iso-2022-jp' ? 'iso-2022-jp' : undefined;
    };
    return { head, charset, confirm };
  }
  return mark === undefined ? olderText(windows, first) : undefined;
}

function olderText(windows: readonly Buffer[], first: Buffer): Text | undefined {
  if (windows.some((window) => hasBinary(window.toString('latin1')))) return undefined;
  const isWhole = windows.length === 1;
  const read = (label: string) => {
    const text = nameOf(label)?.startsWith('utf-') ? undefined : decode(first, label, isWhole);
    return text === undefined || rare.test(text) ? undefined : text;
  };
  // The guess is made where the first letter beyond ASCII is, which may be far from the beginning.
  const all = windows.length === 1 ? first : Buffer.concat(windows);
  const from = Math.max(0, all.findIndex((byte) => byte > 0x7f) - chardetBytesMax / 4);
  for (const { name, confidence } of analyse(all.subarray(from, from + chardetBytesMax))) {
    const head = confidence >= confidenceMin ? read(name) : undefined;
    const charset = nameOf(name);
    if (head === undefined || charset === undefined) continue;
    return {
      head,
      charset,
      confirm: (label) => (read(label) === undefined ? undefined : nameOf(label)),
    };
  }
  return undefined;
}

function readAll(windows: readonly Buffer[], charset: string): string | undefined {
  let head: string | undefined;
  for (const [at, window] of windows.entries()) {
    const whole = at === 0 ? window : fromWholeCharacter(window, charset);
    const text = decode(whole, charset, at === windows.length - 1);
    if (text === undefined) return undefined;
    head ??= text;
  }
  return head;
}

/** A window may begin within a character: up to three bytes of UTF-8, or half a surrogate pair. */
function fromWholeCharacter(window: Buffer, charset: string): Buffer {
  if (charset !== 'utf-8') {
    const high = window[charset === 'utf-16le' ? 1 : 0] ?? 0;
    return high >= 0xdc && high <= 0xdf ? window.subarray(2) : window;
  }
  let skip = 0;
  while (skip < 3 && ((window[skip] ?? 0) & 0xc0) === 0x80) skip += 1;
  return window.subarray(skip);
}

function decode(bytes: Buffer, label: string, isEnd: boolean): string | undefined {
  try {
    const text = new TextDecoder(label, { fatal: true }).decode(bytes, { stream: !isEnd });
    return hasBinary(text) ? undefined : text;
  } catch {
    return undefined;
  }
}

function hasBinary(text: string): boolean {
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code < 32 ? ((allowed >>> code) & 1) === 0 : code >= 0xfffe) return true;
  }
  return false;
}

function nameOf(label: string): string | undefined {
  try {
    return new TextDecoder(label).encoding;
  } catch {
    return undefined;
  }
}

function markOf(bytes: Buffer): string | undefined {
  if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) return 'utf-8';
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return 'utf-16be';
  return bytes[0] === 0xff && bytes[1] === 0xfe ? 'utf-16le' : undefined;
}

/** What tells UTF-16 without a mark from other bytes: every second one is 0, nearly. */
function isMostlyAscii(text: string): boolean {
  let ascii = 0;
  for (let at = 0; at < text.length; at += 1) if (text.charCodeAt(at) < 0x80) ascii += 1;
  return ascii * 2 > text.length;
}
