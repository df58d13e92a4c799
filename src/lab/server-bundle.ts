// Programs in a few files instead of hundreds: starting one costs half the time then, which counts
// where a lab starts a hundred servers and more. Made afresh by every lab, so what runs is always
// the source as it is now; images are made of the same.

import { writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { rolldown } from 'rolldown';
import { programPath } from '../core/program.ts';
import * as keys from '../keys/index.ts';
import * as revocations from '../revocations/index.ts';
import * as stores from '../stores/index.ts';
import * as strategies from '../strategies/index.ts';

/** Bundles the server into a folder and returns the path to start it by. */
export async function bundleServer(folder: string): Promise<string> {
  await bundlePrograms(folder, serverPrograms());
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

/**
 * Bundles programs, which keep their places below `src`, and what they load.
 *
 * @returns the path of every source that went in.
 */
export async function bundlePrograms(
  folder: string,
  names: readonly string[],
): Promise<readonly string[]> {
  await using bundle = await rolldown({
    input: Object.fromEntries(
      names.map((name) => [name, programPath(`../${name}`, import.meta.url)]),
    ),
    platform: 'node',
    // Never loaded by what is bundled: pages of documentation, and a native client.
    external: [/^@fastify\/swagger/, 'pg-native'],
    logLevel: 'silent',
  });
  const target = resolve(folder);
  const { output } = await bundle.write({ dir: target, chunkFileNames: 'chunks/[name].js' });
  await writeFile(join(target, 'package.json'), '{ "type": "module" }\n');
  return output.flatMap((file) => (file.type === 'chunk' ? file.moduleIds : []));
}
