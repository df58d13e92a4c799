// Names that outlive a power cut: a file makes its bytes durable, and only its folder makes its
// name so.

import { mkdirSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';

/** Makes the names in a folder durable. */
export async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return; // It opens no folders, and needs none.
  await using handle = await open(folder, 'r');
  await handle.sync();
}

/** Makes a folder, and those on the way to it, durably. */
export async function makeFolder(folder: string): Promise<void> {
  const first = mkdirSync(folder, { recursive: true, mode: 0o700 });
  if (first === undefined) return;
  const above = dirname(resolve(first));
  for (let at = resolve(folder); at !== above; at = dirname(at)) await syncFolder(dirname(at));
}
