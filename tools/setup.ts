// `npm run setup`: installs what the tests use and npm does not carry, through the system's own
// package manager, only where it is missing, and says what it does. Safe to run again.

import { spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

interface Need {
  readonly name: string;
  /** Any of these programs on PATH will do. */
  readonly programs: readonly string[];
  readonly why: string;
  readonly packages: Readonly<Record<string, string>>;
}

const needs: readonly Need[] = [
  {
    name: 'Redis',
    programs: ['redis-server', 'valkey-server'],
    why: 'the shared session store; each run starts a private one',
    packages: {
      'apt-get': 'redis-server',
      dnf: 'valkey',
      apk: 'redis',
      pacman: 'valkey',
      brew: 'redis',
    },
  },
];

const installers: Readonly<Record<string, readonly (readonly string[])[]>> = {
  'apt-get': [
    ['apt-get', 'update', '-q'],
    ['apt-get', 'install', '-q', '-y', '--no-install-recommends'],
  ],
  dnf: [['dnf', 'install', '-y']],
  apk: [['apk', 'add']],
  pacman: [['pacman', '-S', '--noconfirm']],
  brew: [['brew', 'install']],
};

function onPath(program: string): boolean {
  return (process.env.PATH ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

function run(command: readonly string[]): void {
  const asRoot = process.getuid?.() === 0 || command[0] === 'brew' ? command : ['sudo', ...command];
  console.log(`  $ ${asRoot.join(' ')}`);
  const [program = '', ...args] = asRoot;
  const { status, error } = spawnSync(program, args, {
    stdio: 'inherit',
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  });
  if (status === 0) return;
  console.error(`✗ '${asRoot.join(' ')}' failed${error ? `: ${error.message}` : ''}.`);
  process.exit(1);
}

function install(missing: readonly Need[]): void {
  const manager = Object.keys(installers).find(onPath);
  if (manager === undefined) {
    console.error('✗ No package manager known here. Install these and put them on PATH:');
    for (const need of missing) console.error(`    ${need.name}: ${need.programs.join(' or ')}`);
    process.exit(1);
  }
  const packages = missing.flatMap((need) => need.packages[manager] ?? []);
  const commands = installers[manager] ?? [];
  for (const command of commands.slice(0, -1)) run(command);
  run([...(commands.at(-1) ?? []), ...packages]);
}

const missing = needs.filter((need) => !need.programs.some(onPath));
for (const need of needs) {
  const found = need.programs.find(onPath);
  console.log(
    found === undefined
      ? `… ${need.name} is missing (${need.why}); installing it`
      : `✓ ${need.name}: ${found}`,
  );
}
if (missing.length > 0) install(missing);
const still = missing.filter((need) => !need.programs.some(onPath));
for (const need of still) console.error(`✗ ${need.name} is still not on PATH.`);
process.exitCode = still.length > 0 ? 1 : 0;
