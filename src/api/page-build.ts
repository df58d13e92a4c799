// The page's build, made anew when its sources are younger than it: a second, in a process of its
// own. Where there are no sources (the published package carries the page built) nothing is done.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { globSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../', import.meta.url));
export const builtFolder = join(root, 'dist/dashboard');

/** What the page is made of: its own folder, and what it shares with the servers. */
const sources = ['dashboard/**/*.*', 'src/{api,core,checkers}/*.ts', 'src/scenarios/scenario.ts'];

/** Resolves when the page is as young as its sources; rejects with what the builder said. */
export async function buildPage(signal: AbortSignal): Promise<void> {
  if (globSync('dashboard/index.html', { cwd: root }).length === 0) return;
  const youngest = Math.max(...globSync(sources, { cwd: root }).map(changedAt));
  if (changedAt('dist/dashboard/index.html') >= youngest) return;
  const vite = dirname(createRequire(import.meta.url).resolve('vite/package.json'));
  const program = join(vite, 'bin/vite.js');
  const builder = spawn(process.execPath, [program, 'build', 'dashboard', '--logLevel', 'error'], {
    cwd: root,
    stdio: ['ignore', 'ignore', 'pipe'],
    windowsHide: true,
    signal,
  });
  let said = '';
  builder.stderr.setEncoding('utf8').on('data', (text: string) => {
    said = `${said}${text}`.slice(-4_000);
  });
  const [code] = await once(builder, 'close');
  if (code !== 0) throw new Error(`The page could not be built:\n${said}`);
}

function changedAt(file: string): number {
  return statSync(join(root, file), { throwIfNoEntry: false })?.mtimeMs ?? 0;
}
