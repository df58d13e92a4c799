// From what a person names to what can be sent: files, and all files below folders. The server's
// names are flat, so a file's way below its folder becomes part of its name, joined by `--`:
// photos/june/sea.png is sent as photos--june--sea.png. What cannot be sent is said, not skipped.

import type { Stats } from 'node:fs';
import { lstat, readdir, realpath, stat } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { OperatingError } from '../core/errors.ts';
import { fileUnavailable } from '../transfer/outgoing.ts';

export interface Sendable {
  readonly path: string;
  readonly name: string;
  readonly bytes: number;
}

export interface Unsendable {
  readonly path: string;
  readonly error: OperatingError;
}

/** @param follow whether what links lead to is sent, too. */
export async function* findFiles(
  paths: readonly string[],
  follow: boolean,
): AsyncGenerator<Sendable | Unsendable> {
  // What is named twice, as by `*.txt notes.txt`, is sent once.
  const firsts = new Map(paths.map((path) => [resolve(path), path]));
  for (const [whole, path] of firsts) yield* walk(path, basename(whole), follow, []);
}

/** @param above the folders that lead here, which a link could lead back to. */
async function* walk(
  path: string,
  name: string,
  follow: boolean,
  above: readonly string[],
): AsyncGenerator<Sendable | Unsendable> {
  const refuse = (detail: string) => {
    const error = new OperatingError('file-unavailable', { detail: `${path} ${detail}` });
    return { path, error };
  };
  try {
    const stats = await statsOf(path, follow);
    if (stats.isSymbolicLink()) yield refuse('is a link, and not followed without --follow');
    else if (stats.isFile()) yield { path, name, bytes: stats.size };
    else if (!stats.isDirectory())
      yield refuse('is no file: `sessionlab transfer send -` reads a pipe');
    else {
      const here = await realpath(path);
      if (above.includes(here)) return;
      const children = (await readdir(path)).toSorted();
      for (const child of children) {
        yield* walk(join(path, child), `${name}--${child}`, follow, [...above, here]);
      }
    }
  } catch (error) {
    yield { path, error: fileUnavailable(path, error) };
  }
}

function statsOf(path: string, follow: boolean): Promise<Stats> {
  return follow ? stat(path) : lstat(path);
}
