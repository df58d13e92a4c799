// Makes what the compose file mounts and nobody else may have: passwords, keys, the addresses that
// hold passwords, and certificates for development. Each is made once and never replaced, except a
// certificate that is near its end, so it can be run before every start. A certificate that another
// authority gave the gateway is left alone.
//
//   npx node deploy/prepare.ts [--host NAME]...     names besides localhost that the gateway answers to
//   SECRETS=FOLDER npx node deploy/prepare.ts       elsewhere than in deploy/secrets
//
// The folder is its owner's alone. The files in it can be read by all, because the containers see
// them as they are, and run as other users than the owner.

import { createHash, randomBytes } from 'node:crypto';
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { parseArgs, styleText } from 'node:util';
import { newAuditKey } from '../src/audit/head.ts';
import { isForeign, keepCertificates } from '../src/certificates/folder.ts';
import { parseName } from '../src/certificates/name.ts';
import { newTokenKey } from '../src/keys/token-key.ts';

const folder = process.env.SECRETS || join(import.meta.dirname, 'secrets');
const storesAuthority = '/run/secrets/stores_ca';

/** In compose each signs its audit log with a key of its own; pods share `audit_key`. */
const writers = ['gateway', 'stateless', 'issuer', 'stateful', 'shared', 'transfer'];

/** What the store of sessions needs, and no more: docs/howto/run-on-redis.md. */
const redisRights = [
  'resetkeys ~sessionlab:* resetchannels -@all +ping +wait +eval +evalsha +set +del +exists',
  '+pexpire +pttl +hset +hget +hdel +hgetall +hexists +zadd +zrem +zrange +config|get +info',
].join(' ');

async function prepare(hosts: readonly string[]): Promise<void> {
  process.umask(0o022);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await chmod(folder, 0o700);
  await once('token_key', () => newTokenKey());
  await once('audit_key', newAuditKey);
  for (const writer of writers) await once(`${writer}_audit_key`, newAuditKey);

  const owner = await once('postgres_owner_password', password);
  const user = await once('postgres_password', password);
  await once('owner_database_url', () => databaseUrl('owner', owner));
  await once('database_url', () => databaseUrl('sessionlab', user));

  const redis = await once('redis_password', password);
  await once('redis_url', () => {
    return `rediss://sessionlab:${redis}@redis:6379/0?ca=${storesAuthority}`;
  });
  await once('redis_users', () => redisUsers(redis));

  await certificate('stores', ['redis', 'postgres']);
  await certificate('transfer', ['transfer', '172.18.0.7', '172.19.0.7', ...hosts]);
  if (await isForeign(join(folder, 'gateway-tls'), 'gateway')) {
    say('kept', join(folder, 'gateway-tls/gateway.pem'), 'of another authority: renew it there');
  } else {
    await certificate('gateway', hosts);
  }
}

const password = () => randomBytes(24).toString('hex');

function databaseUrl(user: string, secret: string): string {
  const tls = `sslmode=verify-full&sslrootcert=${storesAuthority}`;
  return `postgres://${user}:${secret}@postgres:5432/sessionlab?${tls}`;
}

/**
 * The health check may ping, and the servers have the hash of their password here. Nobody can log in
 * as `default`, but it keeps its rights: as that user Redis carries out what its own file holds, and
 * would forget at a restart what `default` may not do.
 */
function redisUsers(secret: string): string {
  const hash = createHash('sha256').update(secret).digest('hex');
  return [
    'user default off resetpass ~* &* +@all',
    'user health on nopass resetkeys resetchannels -@all +ping',
    `user sessionlab on #${hash} ${redisRights}`,
  ].join('\n');
}

/** The text of the secret: the one that is there, or else a new one. */
async function once(name: string, make: () => string | Promise<string>): Promise<string> {
  const file = join(folder, name);
  try {
    const text = await make();
    await writeFile(file, `${text}\n`, { flag: 'wx', mode: 0o644 });
    say('made', file);
    return text;
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
    say('kept', file);
    return (await readFile(file, 'utf8')).trimEnd();
  }
}

/** An authority of its own for each, so that who trusts the gateway's trusts no store. */
async function certificate(name: string, hosts: readonly string[]): Promise<void> {
  const names = hosts.map((host) => {
    const parsed = parseName(host);
    if (parsed === undefined) throw new Error(`${JSON.stringify(host)} is no name of a host`);
    return parsed;
  });
  const kept = await keepCertificates({ folder: join(folder, `${name}-tls`), name, names });
  await chmod(kept.certificate.keyFile, 0o644);
  say(kept.certificate.made ? 'made' : 'kept', kept.certificate.file, until(kept.certificate));
}

const until = ({ validUntil }: { validUntil: string }) => `until ${validUntil.slice(0, 10)}`;

function say(what: 'made' | 'kept', file: string, more = ''): void {
  const glyph = what === 'made' ? styleText('green', '✓ made') : '· kept';
  console.log(`${glyph}  ${relative(process.cwd(), file)}  ${more}`.trimEnd());
}

const { values } = parseArgs({ options: { host: { type: 'string', multiple: true } } });
await prepare(values.host ?? []);
