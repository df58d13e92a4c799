// Where a program of ours is that another one starts: the sources run as they are (.ts), the
// published package is built (.js), and a program starts its like.

import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';

/** @param name relative to the module `from`, without extension: './keeper'. */
export function programPath(name: string, from: string): string {
  return fileURLToPath(new URL(name + extname(from), from));
}
