// The server, bundled, by a process that ends with it. Made afresh by every lab, so what runs is
// always the source as it is now; images are made of the same.

import { execFile } from 'node:child_process';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { programPath } from '../core/program.ts';
import * as keys from '../keys/index.ts';
import * as revocations from '../revocations/index.ts';
import * as stores from '../stores/index.ts';
import * as strategies from '../strategies/index.ts';

const run = promisify(execFile);
const bundler = programPath('./bundle', import.meta.url);

/** Bundles the server into a folder and returns the path to start it by. */
export async function bundleServer(folder: string, signal?: AbortSignal): Promise<string> {
  const options = { windowsHide: true, ...(signal && { signal }) };
  await run(process.execPath, [bundler, folder, ...serverPrograms()], options);
  return join(resolve(folder), 'server', 'main.js');
}

/** All that a server may be told to load. */
export function serverPrograms(): readonly string[] {
  const families = { keys, revocations, stores, strategies };
  const members = Object.entries(families).flatMap(([family, registry]) =>
    Object.keys(registry).map((name) => `${family}/${name}`),
  );
  return ['server/main', ...members];
}
