// The texts of this repository as pages: chapters and what they lead to. Only documentation and
// sources are served, by the form of their path, and only where they are: the published package
// carries no sources, so there a reference to one is words alone.

import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import mime from 'mime';
import { paths } from './contract.ts';
import { htmlOf, preformatted } from './markdown.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const chapterFolder = 'docs/concepts';

/** No segment begins with a dot. */
const served =
  /^(?:[A-Z]+\.md|(?:docs|src|test|examples|bench|deploy)(?:\/[\w-][\w.-]*)+\.(?:md|ts|svg|png))$/;

export type Document =
  | { readonly title: string; readonly html: string }
  | { readonly type: string; readonly body: Buffer };

export const chapterPath = (name: string) => `${chapterFolder}/${name}.md`;

/** @param path in the repository: 'docs/concepts/02-stateless.md'. */
export async function documentAt(path: string): Promise<Document | undefined> {
  if (!isThere(path)) return undefined;
  const body = await readFile(`${root}${path}`);
  const extension = posix.extname(path);
  if (extension === '.svg' || extension === '.png') {
    return { type: mime.getType(path) ?? 'application/octet-stream', body };
  }
  const text = body.toString();
  if (extension !== '.md') return { title: path, html: preformatted(path, text) };
  const title = /^# (.+)$/m.exec(text)?.[1] ?? path;
  return { title, html: htmlOf(text, (address) => leadsTo(address, path)) };
}

function isThere(path: string): boolean {
  return served.test(path) && existsSync(`${root}${path}`);
}

/** Where an address in a text of the repository leads to on the page. */
function leadsTo(address: string, from: string): string | undefined {
  if (/^https?:\/\//.test(address) || address.startsWith('#')) return address;
  const [to = '', fragment] = address.split('#', 2);
  const path = posix.join(posix.dirname(from), to);
  if (!isThere(path)) return undefined;
  const isChapter = posix.dirname(path) === chapterFolder;
  const page = isChapter
    ? `${paths.chapters}/${posix.basename(path, '.md')}`
    : `${paths.files}/${path}`;
  return fragment === undefined ? page : `${page}#${fragment}`;
}
