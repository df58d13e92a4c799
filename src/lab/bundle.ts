// Programs in a few files instead of hundreds: starting one costs half the time then, which counts
// where a lab starts a hundred servers and more. Itself a program, too: what a bundler takes of
// memory (half a gigabyte) a process keeps as long as it lives, and so a lab does not do it itself.
//
//   node bundle.ts FOLDER PROGRAM...

import { writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { rolldown } from 'rolldown';
import { programPath } from '../core/program.ts';

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

if (import.meta.main) {
  const [folder = '', ...names] = process.argv.slice(2);
  await bundlePrograms(folder, names);
}
