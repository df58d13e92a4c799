// Settings: where they come from and what goes before what, that everything wrong is said at once
// and nothing secret ever, and what is refused although each value alone would be allowed.

import { execFile } from 'node:child_process';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { createClient } from '@redis/client';
import { Client } from 'pg';
import { expect, onTestFinished, test } from 'vitest';
import { openBacking } from '../../src/backing/backing.ts';
import { assurance } from '../../src/core/assurance.ts';
import { newTokenKey } from '../../src/keys/token-key.ts';
import {
  ConfigError,
  type Environment,
  readConfig,
  readSettings,
} from '../../src/server/config.ts';
import { checkHazards } from '../../src/server/hazards.ts';
import { newSealingKeys } from '../../src/strategies/sealing.ts';
import { freshDatabase } from '../support/backing.ts';
import { answers, environment, startReplica } from './ground.ts';

const canary = 'canary-4711';

async function file(name: string, text: string, mode = 0o600): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'sessionlab-config-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const path = join(folder, name);
  await writeFile(path, text);
  await chmod(path, mode);
  return path;
}

function problemsOf(settings: Environment): string[] {
  try {
    readConfig(settings);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems.map(({ detail }) => detail);
    throw error;
  }
  return [];
}

test('the environment goes before the file, which goes before the policy and the defaults', async () => {
  const members = { IDLE_MS: 1_000, PORT: 4_000, ASSURANCE: 'aal3', TRUST_PROXY: ['10.0.0.0/8'] };
  const CONFIG_FILE = await file('config.json', JSON.stringify(members));
  const { config, origins } = readSettings({ CONFIG_FILE, PORT: '5000' });
  expect(config).toMatchObject({
    port: 5_000,
    idleMs: 1_000,
    absoluteMs: assurance.aal3.absoluteMs,
    sessionsMax: assurance.aal3.sessionsMax,
    trustProxy: ['10.0.0.0/8'],
    host: '127.0.0.1',
  });
  expect([origins.port, origins.idleMs, origins.absoluteMs]).toEqual([
    'environment',
    'CONFIG_FILE',
    'default',
  ]);
});

test('timeouts and the number of sessions are documented policies, and hold as documented [ASVS 7.1.1] [ASVS 7.1.2]', () => {
  const [minute, hour, day] = [60_000, 3_600_000, 86_400_000];
  // What NIST SP 800-63B-4 allows at most: idle, and in all.
  const most = { aal1: [30 * day, 30 * day], aal2: [hour, day], aal3: [15 * minute, 12 * hour] };
  for (const level of ['aal1', 'aal2', 'aal3'] as const) {
    const { idleMs, absoluteMs, freshMs, sessionsMax, atLimit } = assurance[level];
    const config = readConfig({ ASSURANCE: level });
    expect(config).toMatchObject({ idleMs, absoluteMs, freshMs, sessionsMax, atLimit });
    expect(idleMs).toBeLessThanOrEqual(most[level][0] ?? 0);
    expect(absoluteMs).toBeLessThanOrEqual(most[level][1] ?? 0);
  }
  const { warnings } = readSettings({ ASSURANCE: 'aal3', IDLE_MS: String(hour) });
  expect(warnings).toContainEqual('IDLE_MS: 3600000 is longer than ASSURANCE=aal3 allows');
});

test('a secret may be in a file of its own, whose last newline is not part of it', async () => {
  const url = `postgres://u:${canary}@h/d`;
  const DATABASE_URL_FILE = await file('url', `${url}\n`);
  expect(readConfig({ DATABASE_URL_FILE }).databaseUrl).toBe(url);
  const CONFIG_FILE = await file('config.json', JSON.stringify({ DATABASE_URL_FILE }));
  expect(readConfig({ CONFIG_FILE }).databaseUrl).toBe(url);
  expect(problemsOf({ DATABASE_URL: url, DATABASE_URL_FILE })).toEqual([
    'DATABASE_URL: DATABASE_URL_FILE is set as well: keep one of them',
  ]);
  expect(problemsOf({ DATABASE_URL_FILE: '/nowhere' })).toEqual([
    'DATABASE_URL_FILE: "/nowhere" cannot be read: ENOENT',
  ]);
});

test.skipIf(process.platform === 'win32')(
  'a secret that everybody can read is warned of',
  async () => {
    const open = await file('url', 'postgres://h/d', 0o644);
    const { warnings } = readSettings({ DATABASE_URL_FILE: open });
    expect(warnings.filter((warning) => warning.includes('chmod o-r'))).toHaveLength(1);
    const holdsNone = await file('config.json', '{"PORT":1}', 0o644);
    const holdsOne = await file('config.json', '{"DATABASE_URL":"postgres://h/d"}', 0o644);
    const aboutFile = (CONFIG_FILE: string) =>
      readSettings({ CONFIG_FILE }).warnings.filter((warning) => warning.includes('CONFIG_FILE'));
    expect(aboutFile(holdsNone)).toEqual([]);
    expect(aboutFile(holdsOne)).toHaveLength(1);
  },
);

test('all that is wrong is told together, with what is allowed, and no secret is', async () => {
  const members = { STOER: 'redis', IDLE_MZ: 1, LOG_LEVEL: 'loud' };
  const CONFIG_FILE = await file('config.json', JSON.stringify(members));
  const problems = problemsOf({
    CONFIG_FILE,
    PORT: 'eighty',
    TOKEN_KEY: canary,
    REDIS_URL: `http://${canary}@h`,
    TRUST_PROXY: '10.0.0.0/33',
    ALLOWED_ORIGINS: 'https://shop.example/path',
  });
  expect(problems).toEqual(
    expect.arrayContaining([
      'STOER: CONFIG_FILE has a setting that there is not; the nearest is STORE',
      'IDLE_MZ: CONFIG_FILE has a setting that there is not; the nearest is IDLE_MS',
      'PORT: "eighty" is not allowed; allowed: a whole number from 0 to 65535',
      expect.stringMatching(/^LOG_LEVEL: "loud" .*debug, info/),
      expect.stringMatching(/^TOKEN_KEY: the value \(not shown\)/),
      expect.stringMatching(/^REDIS_URL: the value \(not shown\)/),
      expect.stringMatching(/^TRUST_PROXY: /),
      expect.stringMatching(/^ALLOWED_ORIGINS: /),
    ]),
  );
  expect(problems).toHaveLength(8);
  expect(problems.join()).not.toContain(canary);
});

const open = { HOST: '0.0.0.0' };
const KEYS = 'postgres';
const developmentKey = JSON.stringify({ ...JSON.parse(await newTokenKey()), development: true });

test.each<[string, Environment, string]>([
  ['plain cookies that others can see', { ...open, SECURE_COOKIES: 'false' }, 'SECURE_COOKIES'],
  ['secure cookies behind a proxy that is not trusted', open, 'TRUST_PROXY'],
  [
    'a key made for development',
    { ...open, TRUST_PROXY: '10.0.0.1', TOKEN_KEY: developmentKey },
    'TOKEN_KEY',
  ],
  [
    'a key made for development among others',
    { ...open, TRUST_PROXY: '10.0.0.1', TOKEN_KEY: `{"keys":[${developmentKey}]}` },
    'TOKEN_KEY',
  ],
  [
    'a token that nobody can call back for long',
    { STRATEGY: 'token', KEYS, ACCESS_TOKEN_MS: '900001' },
    'ACCESS_TOKEN_MS',
  ],
  [
    'revocation that is kept nowhere',
    { STRATEGY: 'token-with-revocation', KEYS, REVOCATIONS: 'none' },
    'REVOCATIONS',
  ],
  [
    'a sealed cookie whose end is kept nowhere',
    { STRATEGY: 'sealed-cookie', SEALING_KEYS: newSealingKeys(), REVOCATIONS: 'none' },
    'REVOCATIONS',
  ],
  ['sealing without a key', { STRATEGY: 'sealed-cookie' }, 'SEALING_KEYS'],
  ['signing without a key', { STRATEGY: 'token' }, 'TOKEN_KEY'],
  ['a store in a Redis that has no name', { STORE: 'redis' }, 'REDIS_URL'],
  ['a log of endings in one', { STORE: 'cached', REVOCATIONS: 'redis' }, 'REDIS_URL'],
])('%s is refused at the start', (_what, settings, name) => {
  expect(problemsOf(settings)).toEqual([expect.stringMatching(`^${name}: `)]);
});

const behindProxy = { TRUST_PROXY: '127.0.0.1' };
const cheap: Environment = { PASSWORD_HASH_MEMORY_KIB: '12287', PASSWORD_HASH_PASSES: '3' };

test.each<[string, Environment, string]>([
  ['hashing cheaper than OWASP allows', cheap, 'PASSWORD_HASH_MEMORY_KIB'],
  ['plain cookies', { SECURE_COOKIES: 'false' }, 'SECURE_COOKIES'],
])('%s: refused where others come, as HAZARDS says, and not on loopback', (_what, bad, name) => {
  const warned = (more: Environment) =>
    readSettings({ ...behindProxy, ...bad, ...more }).warnings.filter((each) =>
      each.startsWith(`${name}: `),
    );
  expect(problemsOf({ ...behindProxy, ...bad })).toEqual([expect.stringMatching(`^${name}: `)]);
  expect(problemsOf({ ...open, TRUST_PROXY: '10.0.0.1', ...bad })).toHaveLength(1);
  expect([warned({ HAZARDS: 'warn' }).length, warned({ HAZARDS: 'ignore' }).length]).toEqual([
    1, 0,
  ]);
  expect(readSettings(bad).warnings.join()).not.toContain(name);
});

test('hashing may be as cheap as OWASP says: less memory for more passes', () => {
  for (const [memory, passes] of [
    ['19456', '2'],
    ['12288', '3'],
    ['7168', '64'],
  ] as const) {
    const hashing = { PASSWORD_HASH_MEMORY_KIB: memory, PASSWORD_HASH_PASSES: passes };
    expect(problemsOf({ ...behindProxy, ...hashing })).toEqual([]);
  }
});

test('what is unwise where others come is warned of', () => {
  const warned = (settings: Environment) => {
    const { warnings } = readSettings({ ...behindProxy, ...settings });
    return warnings.map((warning) => warning.split(':')[0]).filter((name) => name !== 'STORE');
  };
  expect(warned({})).toEqual([]);
  expect(warned({ FRESH_MS: '300001' })).toEqual(['FRESH_MS']);
  expect(warned({ LOGIN_FAILURES_MAX: '101' })).toEqual(['LOGIN_FAILURES_MAX']);
  expect(warned({ LOG_LEVEL: 'warn' })).toEqual(['LOG_LEVEL']);
});

test.each(['0.0.0.0/0', '::/0', '128.0.0.0/1', '10.0.0.0/7', '2000::/3', '2001::/15'])(
  'no proxies are named by a network as wide as %s',
  (TRUST_PROXY) => {
    expect(problemsOf({ TRUST_PROXY })).toEqual([expect.stringMatching(/^TRUST_PROXY: /)]);
  },
);

test('a token that lives longer than the policy is warned of', () => {
  const warned = (settings: Environment) =>
    readSettings(settings).warnings.filter((warning) => warning.startsWith('ACCESS_TOKEN_MS: '));
  expect(warned({ STRATEGY: 'token', KEYS })).toEqual([]);
  expect(warned({ STRATEGY: 'token', KEYS, ACCESS_TOKEN_MS: '900000' })).toHaveLength(1);
  const long = { KEYS, ACCESS_TOKEN_MS: '900001' };
  expect(warned({ STRATEGY: 'token-with-revocation', ...long })).toHaveLength(1);
  expect(warned({ STRATEGY: 'session', ...long })).toEqual([]);
});

test('addresses of Sentinel and Cluster are taken, with several hosts', () => {
  for (const REDIS_URL of [
    'redis://h:6379',
    'rediss://u:p@h:6379/2?ca=/etc/ca.pem',
    'redis+sentinel://h1:26379,h2:26379/primary/0',
    'rediss+cluster://u:p@h1:7000,h2:7001',
  ]) {
    expect(readConfig({ REDIS_URL }).redisUrl).toBe(REDIS_URL);
  }
});

test('a PostgreSQL that answers before it has written is refused at the start', async () => {
  const url = await freshDatabase();
  const client = new Client(url);
  await client.connect();
  const { pathname } = new URL(url);
  await client.query(`ALTER DATABASE "${pathname.slice(1)}" SET synchronous_commit = off`);
  await client.end();
  const env = { ...(await environment(answers[1])), DATABASE_URL: url };
  const main = '../../src/server/main.ts';
  const refused = startReplica(main, { ...env, HAZARDS: 'refuse' });
  await expect(refused).rejects.toThrow(/HAZARDS: .*synchronous_commit/);
  await using replica = await startReplica(main, { ...env, HAZARDS: undefined });
  expect(replica.output()).toContain('synchronous_commit');
});

test('a Redis that does not let us see what it would lose is a warning', async () => {
  const backing = await openBacking();
  onTestFinished(() => backing[Symbol.asyncDispose]());
  const redis = await backing.startRedis();
  if (redis === undefined) throw new Error(backing.redisHint);
  onTestFinished(() => redis[Symbol.asyncDispose]());
  const admin = await createClient({ url: redis.url }).connect();
  await admin.sendCommand(['ACL', 'SETUSER', 'few', 'on', '>secret', '~*', '+@all', '-config']);
  admin.destroy();
  const few = Object.assign(new URL(redis.url), { username: 'few', password: 'secret' }).href;
  const settings = { STORE: 'redis', SESSION_STORE_URL: few, HAZARDS: 'refuse' };
  expect(await checkHazards(readConfig(settings))).toEqual([expect.stringContaining('unknown')]);
});

test('the program tells what can be set, and what would be used', async () => {
  const run = (arg: string, env: Environment) =>
    promisify(execFile)(process.execPath, ['src/server/main.ts', arg], { env });
  const { stdout: help } = await run('--help', {});
  expect(help).toMatch(/DATABASE_URL or DATABASE_URL_FILE\n {2}the PostgreSQL/);
  const { stdout: used } = await run('--check-config', {
    DATABASE_URL: `postgres://u:${canary}@h/d`,
    IDLE_MS: '1234',
  });
  expect(used).toMatch(/IDLE_MS +1234 +environment/);
  expect(used).toMatch(/DATABASE_URL +\(set, not shown\)/);
  expect(used).not.toContain(canary);
  await expect(run('--check-config', { PORT: 'x' })).rejects.toMatchObject({ code: 64 });
});
