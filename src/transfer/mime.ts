// The media type of a finished upload: content decides, the claim and the name are witnesses.
//
// Content can show a binary format by its signature (file-type), that bytes are text and often in
// which encoding, and that a text is markup or JSON. It cannot show that a file is sound,
// harmless, or nothing else besides: what begins as one format may carry another further on, and
// what counts is how it begins. Nor can it tell CSV, Markdown or a program from plain text: there
// a name's ending says which, and a claim may say it more exactly, if neither disagrees with the
// other. A witness disagrees when content would have shown what it says, or shows something else;
// it may use another name of the type or a more general one. What runs in a browser (HTML, SVG,
// XML) is called so if and only if content shows it, whatever was said; JavaScript only where the
// name says so and no claim denies it. A type that nothing shows is application/octet-stream.

import type { FileHandle } from 'node:fs/promises';
import { MIMEType } from 'node:util';
import { fileTypeFromBlob } from 'file-type';
import {
  broaderThan,
  canonicalType,
  isActive,
  isKnown,
  isShown,
  isTextual,
  mayBe,
  typesOfName,
} from './media-type.ts';
import { BoundedFile, windowsOf } from './sample.ts';
import { type Text, textOf } from './text-encoding.ts';
import { textTypeOf } from './text-type.ts';

/** What content shows. */
export interface Content {
  readonly type: string;
  /** What it may as well be, if it is said to be that. */
  readonly or?: readonly string[];
  readonly text?: Text;
}

/** What the sender said: a media type, perhaps with charset (`''`: no claim), and a file name. */
export interface Said {
  readonly claim: string;
  readonly name: string;
}

/** What to do where content, claim and name disagree. */
export type MismatchPolicy = 'refuse' | 'octet-stream';

/** A type to store (text with its charset), or a sentence for the sender about what disagrees. */
export type Agreement = { readonly type: string } | { readonly mismatch: string };

const unknown = 'application/octet-stream';

/**
 * The type to store for a finished upload. The handle is only read, at positions of its own, and is
 * left open. What is read is bounded whatever the size: 1 MiB for text, 8 MiB for signatures.
 * Errors of reading are passed on as they are.
 */
export async function typeToStore(
  file: FileHandle,
  said: Said,
  policy: MismatchPolicy,
): Promise<Agreement> {
  const agreement = agree(await contentOf(file), said);
  return 'mismatch' in agreement && policy === 'octet-stream' ? { type: unknown } : agreement;
}

/** What content alone shows: always the same for the same bytes. */
export async function contentOf(file: FileHandle): Promise<Content> {
  const { size } = await file.stat();
  const windows = await windowsOf(file, size);
  const text = textOf(windows);
  // In proven text a signature is an accident: 'BM', 'MZ' and 'the free' begin sentences as well.
  const isProven = text?.charset.startsWith('utf-') ?? false;
  const begins = windows[0]?.subarray(0, 4) ?? [];
  if (!text || (!isProven && begins.some((byte) => byte > 0x7f))) {
    const type = await signatureOf(file, size, Buffer.from(begins));
    // Its signature is two bytes with which most zlib streams begin.
    if (type === 'application/x-apple-diskimage') return { type: unknown, or: [type] };
    if (type !== undefined || !text) return { type: type ?? unknown };
  }
  return { ...textTypeOf(text.head, text.charset, windows.length === 1), text };
}

async function signatureOf(file: FileHandle, size: number, begins: Buffer) {
  // file-type would unpack these to look for a tar within, and say the same.
  if (begins[0] === 0x1f && begins[1] === 0x8b) return 'application/gzip';
  const source = new BoundedFile(file, size);
  try {
    const found = await fileTypeFromBlob(source, { maxBufferSize: 1024 * 1024 });
    return found && canonicalType(found.mime);
  } catch {
    // Whatever a hostile file made of its parser, it is nothing known; but a broken disk is that.
    if (source.failure) throw source.failure;
    return undefined;
  }
}

/** Holds what was said against what content shows. */
export function agree(content: Content, said: Said): Agreement {
  const claim = parseClaim(said.claim);
  const names = typesOfName(said.name);
  const named = names.find((type) => relation(content, type) !== 'contrary') ?? names[0];
  const disagree = (what: string) => ({ mismatch: sentence(what, content, said.claim, named) });

  if (claim === undefined) return disagree('The claim is no media type');
  if (relation(content, claim.type) === 'contrary')
    return disagree('The content is not as claimed');
  if (named && relation(content, named) === 'contrary') {
    return disagree('The content is not what the name says');
  }
  const type = narrowed(content, claim.type, named);
  if (type === undefined) return disagree('The claim and the name disagree');

  if (!content.text || !(isTextual(type) || type === 'application/xml')) return { type };
  const charset = claim.charset ? content.text.confirm(claim.charset) : charsetOf(content.text);
  if (charset === undefined) return disagree('The content is not in the charset claimed');
  return { type: `${type}; charset=${charset}` };
}

/** What markup says of itself is a better guess than statistics, as long as it can be so. */
function charsetOf({ head, charset, confirm }: Text): string {
  const declares = /^\s*<[\s\S]*?(?:charset|encoding)\s*=\s*["']?([\w-]+)/i;
  const declared = declares.exec(head.slice(0, 1024))?.[1];
  return (declared && confirm(declared)) || charset;
}

/** `same`: the word adds nothing. `further`: it says more than content can show. */
function relation(content: Content, word: string): 'same' | 'further' | 'contrary' {
  const { type } = content;
  if (word === unknown || word === type) return 'same';
  if (content.or?.includes(word) || mayBe(type, word)) return 'further';
  if (broaderThan(type).includes(word)) return 'same';
  if (isShown(word)) return 'contrary';
  // The rest are types of which content would show nothing: no objection, and no belief either.
  if (type === unknown) return isTextual(word) ? 'contrary' : 'same';
  if (type === 'text/plain')
    return /^(?:image|audio|video|font)\//.test(word) ? 'contrary' : 'same';
  return 'contrary';
}

/** The most exact type that is believed; undefined if the witnesses contradict each other. */
function narrowed(content: Content, claim: string, named: string | undefined) {
  const isFurther = (word: string) => relation(content, word) === 'further';
  const fits = (a: string, b: string) => a === b || broaderThan(a).includes(b);
  if (named && isFurther(named)) {
    if (isFurther(claim) && !fits(named, claim) && !fits(claim, named)) return undefined;
    if (isFurther(claim) && fits(claim, named) && isKnown(claim)) return claim;
    const isDenied = isActive(named) && claim !== unknown && claim !== named;
    return isDenied ? content.type : named;
  }
  if (!isFurther(claim)) return content.type;
  if (named && named !== unknown && !fits(claim, named)) return undefined;
  const isBelieved = content.or?.includes(claim) || (!isActive(claim) && isKnown(claim));
  return isBelieved ? claim : content.type;
}

function parseClaim(claim: string): { type: string; charset?: string } | undefined {
  if (claim.trim() === '') return { type: unknown };
  try {
    const { essence, params } = new MIMEType(claim);
    const charset = params.get('charset');
    return { type: canonicalType(essence), ...(charset ? { charset } : {}) };
  } catch {
    return undefined;
  }
}

function sentence(what: string, content: Content, claim: string, named: string | undefined) {
  const shows = content.text ? `${content.type}; charset=${content.text.charset}` : content.type;
  const claims = claim.trim() === '' ? 'nothing' : (/^[\x20-\x7e]+$/.exec(claim)?.[0] ?? '?');
  return `${what}: content ${shows}, claim ${claims}, name ${named ?? 'nothing'}`;
}
