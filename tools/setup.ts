// `npm run setup`: provides what the tests use and npm does not carry, through the system's own
// package manager, only where it is missing, and says what it does. Safe to run again.

import { spawnSync } from 'node:child_process';
import { nginxProgram } from '../src/gateways/nginx/program.ts';
import { findChromium } from './chromium.ts';
import { findProgram, findValkey, isBookworm, unpackFromBackports } from './valkey.ts';

interface Need {
  readonly name: string;
  /** For people, where it cannot be provided. */
  readonly program: string;
  readonly find: () => string | undefined;
  /** Default: --version. */
  readonly asksVersion?: string;
  readonly why: string;
  readonly packages: Readonly<Record<string, string>>;
  /** Another way where no package is to be had. */
  readonly otherwise?: { readonly says: string; applies(): boolean; provide(): void };
}

const needs: readonly Need[] = [
  {
    name: 'Redis',
    program: 'redis-server or valkey-server',
    find: () => findProgram('redis-server') ?? findProgram('valkey-server'),
    why: 'the shared session store; each run starts a private one',
    packages: {
      'apt-get': 'redis-server',
      dnf: 'valkey',
      apk: 'redis',
      pacman: 'valkey',
      brew: 'redis',
    },
  },
  {
    name: 'nginx',
    program: 'nginx',
    find: nginxProgram,
    asksVersion: '-v',
    why: 'a gateway; each run starts a private one',
    packages: Object.fromEntries(
      ['apt-get', 'dnf', 'apk', 'pacman', 'brew'].map((manager) => [manager, 'nginx']),
    ),
  },
  {
    name: 'Valkey',
    program: 'valkey-server',
    find: findValkey,
    why: 'the tests run the same store on it',
    packages: {
      'apt-get': 'valkey-server',
      dnf: 'valkey',
      apk: 'valkey',
      pacman: 'valkey',
      brew: 'valkey',
    },
    otherwise: {
      says: 'unpacking it from Debian backports, for this clone alone',
      applies: isBookworm,
      provide: unpackFromBackports,
    },
  },
  {
    name: 'Chromium',
    program: 'chromium, chromium-browser or google-chrome; brew install --cask google-chrome',
    find: findChromium,
    why: 'the tests use the page in it',
    // Not with brew: a cask takes another command.
    packages: Object.fromEntries(
      ['apt-get', 'dnf', 'apk', 'pacman'].map((manager) => [manager, 'chromium']),
    ),
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

function run(command: readonly string[]): void {
  const asRoot = process.getuid?.() === 0 || command[0] === 'brew' ? command : ['sudo', ...command];
  console.log(`  $ ${asRoot.join(' ')}`);
  const [program = '', ...args] = asRoot;
  const { status, error } = spawnSync(program, args, {
    stdio: 'inherit',
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  });
  if (status === 0) return;
  fail(`'${asRoot.join(' ')}' failed${error ? `: ${error.message}` : ''}.`);
}

function fail(...lines: readonly string[]): never {
  console.error(`✗ ${lines.join('\n    ')}`);
  process.exit(1);
}

function install(missing: readonly Need[]): void {
  const manager = Object.keys(installers).find((name) => findProgram(name));
  if (manager === undefined) {
    const programs = missing.map(({ name, program }) => `${name}: ${program}`);
    fail('No package manager known here. Install these and put them on PATH:', ...programs);
  }
  const packages = missing.flatMap((need) => need.packages[manager] ?? []);
  if (packages.length === 0) return;
  const commands = installers[manager] ?? [];
  for (const command of commands.slice(0, -1)) run(command);
  run([...(commands.at(-1) ?? []), ...packages]);
}

function say(glyph: string, { name }: Need, text: string): void {
  const width = Math.max(...needs.map((need) => need.name.length));
  console.log(`${glyph} ${name.padEnd(width)}  ${text}`);
}

const missing = needs.filter((need) => need.find() === undefined);
const unpacked = missing.filter((need) => need.otherwise?.applies());
const packaged = missing.filter((need) => !unpacked.includes(need));
for (const need of needs) {
  const how = unpacked.includes(need) ? need.otherwise?.says : 'installing it';
  const found = need.find();
  say(found ? '✓' : '…', need, found ?? `is missing (${need.why}); ${how}`);
}
if (packaged.length > 0) install(packaged);
for (const need of unpacked) {
  try {
    need.otherwise?.provide();
  } catch (error) {
    fail(`${need.name} cannot be unpacked: ${error instanceof Error ? error.message : error}`);
  }
}
for (const need of missing) {
  const found = need.find();
  const about = found && spawnSync(found, [need.asksVersion ?? '--version'], { encoding: 'utf8' });
  if (!found || !about || about.status !== 0) fail(`${need.name} cannot be run: ${need.program}`);
  say('✓', need, found);
}
