// Where Valkey is: on PATH, or in a folder of this clone, unpacked there from Debian's own packages
// because Debian 12 has Valkey only among its backports. That needs no right and changes nothing of
// the machine: apt is given a list of sources, and places for what it fetches, of our own.

import { spawnSync } from 'node:child_process';
import {
  accessSync,
  constants,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';

const folder = join(import.meta.dirname, '../node_modules/.cache/sessionlab/valkey');
const archive = 'http://deb.debian.org/debian';
const keyring = '/usr/share/keyrings/debian-archive-keyring.gpg';

const path = () => (process.env.PATH ?? '').split(delimiter);

/** The path of valkey-server; undefined when it is nowhere. */
export function findValkey(): string | undefined {
  return findProgram('valkey-server', [...path(), join(folder, 'usr/bin')]);
}

/** The program's path; undefined when it is in none of the folders, which are those of PATH. */
export function findProgram(name: string, folders = path()): string | undefined {
  return folders
    .map((place) => join(place, name))
    .find((program) => {
      try {
        accessSync(program, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}

export function isBookworm(): boolean {
  try {
    return /^VERSION_CODENAME=bookworm$/m.test(readFileSync('/etc/os-release', 'utf8'));
  } catch {
    return false;
  }
}

/** Fetches Debian's packages and unpacks them into the folder. @throws Error with what failed. */
export function unpackFromBackports(): void {
  const room = mkdtempSync(join(tmpdir(), 'sessionlab-valkey-'));
  try {
    mkdirSync(join(room, 'lists/partial'), { recursive: true });
    mkdirSync(join(room, 'cache/archives/partial'), { recursive: true });
    const list = join(room, 'sources.list');
    writeFileSync(list, `deb [signed-by=${keyring}] ${archive} bookworm-backports main\n`);
    const options = [
      `Dir::Etc::sourcelist=${list}`,
      'Dir::Etc::sourceparts=-',
      `Dir::State::lists=${join(room, 'lists')}`,
      `Dir::Cache=${join(room, 'cache')}`,
      'APT::Sandbox::User=root',
    ].flatMap((option) => ['-o', option]);
    run(room, 'apt-get', ...options, '-q', 'update');
    run(room, 'apt-get', ...options, '-q', 'download', 'valkey-server', 'valkey-tools');
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    const packages = readdirSync(room).filter((name) => name.endsWith('.deb'));
    for (const name of packages) run(room, 'dpkg', '-x', name, folder);
  } finally {
    rmSync(room, { recursive: true, force: true });
  }
}

function run(cwd: string, program: string, ...args: readonly string[]): void {
  const { status, error, stderr } = spawnSync(program, args, { cwd, encoding: 'utf8' });
  if (status !== 0) throw new Error(`${program} ${args.at(-1)} failed: ${error ?? stderr}`);
}
