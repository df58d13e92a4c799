// The built page, from its folder, as it is now: who works on it sees each build. Only files that
// are listed there can be asked for. While one is being built, the question waits.

import { globSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import mime from 'mime';

export interface PageFile {
  readonly type: string;
  readonly body: Buffer;
  /** Its name changes with what is in it. */
  readonly isForever: boolean;
}

const none = `<!doctype html>
<html lang="en"><meta charset="utf-8"><title>sessionlab</title>
<p>The lab is running; its page has not been built: <code>npx vite build dashboard</code></p>
</html>
`;

export class PageFiles {
  readonly #folder: string;
  readonly #built: Promise<unknown>;

  constructor(folder: string, built: Promise<unknown>) {
    this.#folder = folder;
    this.#built = built;
  }

  /** @param path '/' is the page itself. */
  async read(path: string): Promise<PageFile | undefined> {
    await this.#built;
    const name = path === '/' ? 'index.html' : path.slice(1);
    const files = globSync('**/*.*', { cwd: this.#folder }).map((file) =>
      file.replaceAll('\\', '/'),
    );
    if (files.includes(name)) {
      const body = await readFile(join(this.#folder, name));
      return { type: typeOf(name), body, isForever: name.startsWith('assets/') };
    }
    if (path !== '/') return undefined;
    return { type: typeOf('index.html'), body: Buffer.from(none), isForever: false };
  }
}

function typeOf(name: string): string {
  const type = mime.getType(name) ?? 'application/octet-stream';
  return /^text\/|javascript|json|svg/.test(type) ? `${type}; charset=utf-8` : type;
}
