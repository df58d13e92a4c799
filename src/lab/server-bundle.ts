// The server program in a few files instead of hundreds: starting one costs half the time then,
// which counts where a lab starts a hundred and more. Made afresh by every lab, so what runs is
// always the source as it is now.

import { writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { rolldown } from 'rolldown';
import { programPath } from '../core/program.ts';
import * as keys from '../keys/index.ts';
import * as revocations from '../revocations/index.ts';
import * as stores from '../stores/index.ts';
import * as strategies from '../strategies/index.ts';

/** Bundles the program into a folder and returns the path to start it by. */
export async function bundleServer(folder: string): Promise<string> {
  const members = (family: string, registry: object) =>
    Object.keys(registry).map((name) => `${family}/${name}`);
  const families = { keys, revocations, stores, strategies };
  const names = [
    'server/main',
    ...Object.entries(families).flatMap(([family, registry]) => members(family, registry)),
  ];
  await using bundle = await rolldown({
    input: Object.fromEntries(
      names.map((name) => [name, programPath(`../${name}`, import.meta.url)]),
    ),
    platform: 'node',
    // Never loaded by a replica of the lab: pages of documentation, and a native client.
    external: [/^@fastify\/swagger/, 'pg-native'],
    logLevel: 'silent',
  });
  const target = resolve(folder);
  await bundle.write({ dir: target, chunkFileNames: 'chunks/[name].js' });
  await writeFile(join(target, 'package.json'), '{ "type": "module" }\n');
  return join(target, 'server', 'main.js');
}
