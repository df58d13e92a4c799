// Certificates for development keep what they promise, as clients see it: real handshakes with a
// client that trusts the authority and nothing else, and real files in a folder of its own.

import { createPrivateKey, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkServerIdentity, connect, createServer, type PeerCertificate } from 'node:tls';
import { expect, onTestFinished, test } from 'vitest';
import '../../src/certificates/reflection.ts';
import {
  BasicConstraintsExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  X509Certificate as Parsed,
} from '@peculiar/x509';
import { boundsOf, issue, makeAuthority, type Pair } from '../../src/certificates/authority.ts';
import { keepCertificates, type Wish } from '../../src/certificates/folder.ts';
import { loopback, type Name, parseName } from '../../src/certificates/name.ts';
import { isWithin } from '../../src/certificates/name-constraints.ts';

const SERVER_AUTH = '1.3.6.1.5.5.7.3.1';
const DAY_MS = 86_400_000;
const now = new Date();
const inDays = (days: number) => new Date(now.getTime() + days * DAY_MS);

function names(...texts: readonly string[]): readonly Name[] {
  return texts.map((text) => {
    const name = parseName(text);
    if (name === undefined) throw new Error(`${text} is no name`);
    return name;
  });
}

async function folder(): Promise<string> {
  const made = await mkdtemp(join(tmpdir(), 'sessionlab-certificates-'));
  onTestFinished(() => rm(made, { recursive: true }));
  return join(made, 'certificates');
}

async function kept(wish: Wish) {
  const { authority, certificate } = await keepCertificates(wish);
  const files = [authority.file, authority.keyFile, certificate.file, certificate.keyFile];
  const [ca = '', caKey = '', cert = '', key = ''] = await Promise.all(
    files.map((file) => readFile(file, 'utf8')),
  );
  return { authority, certificate, ca, caKey, cert, key };
}

/** `trusted`, or why a client that trusts only this authority refuses the certificate as `host`'s. */
async function judged(
  authority: string,
  pair: Pair,
  host = 'localhost',
): Promise<string | undefined> {
  const server = createServer({ cert: pair.certificate, key: pair.key });
  server.on('tlsClientError', () => undefined);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const isHost = (_: string, certificate: PeerCertificate) =>
    checkServerIdentity(host, certificate);
  const options = { port, host: '127.0.0.1', ca: authority, checkServerIdentity: isHost };
  const socket = connect(options);
  const outcome = await once(socket, 'secureConnect').then(
    () => 'trusted',
    // OpenSSL's reasons that Node has no code for.
    ({ code, message }: NodeJS.ErrnoException) => (code === 'UNSPECIFIED' ? message : code),
  );
  socket.destroy();
  server.close();
  return outcome;
}

test.each(['localhost', '127.0.0.1', '::1', 'shop.test', 'api.shop.test', '10.0.0.5'])(
  'a client that trusts the authority, and no other, trusts %s',
  async (host) => {
    const asked = names('shop.test', '*.shop.test', '10.0.0.5');
    const authority = await makeAuthority([...loopback, ...asked], now);
    const stranger = await makeAuthority([...loopback, ...asked], now);
    const pair = await issue(authority, [...loopback, ...asked], now);
    expect(await judged(authority.certificate, pair, host)).toBe('trusted');
    expect(await judged(stranger.certificate, pair, host)).toBe('SELF_SIGNED_CERT_IN_CHAIN');
  },
);

test('nobody is taken for a host that the certificate does not name', async () => {
  const authority = await makeAuthority([...loopback, ...names('shop.test')], now);
  const pair = await issue(authority, loopback, now);
  for (const host of ['shop.test', '127.0.0.2', '::2', 'app.localhost']) {
    expect(await judged(authority.certificate, pair, host)).toBe('ERR_TLS_CERT_ALTNAME_INVALID');
  }
});

test.each(['bank.example', 'notshop.test', 'test', '10.0.0.6', '::2'])(
  'whoever steals the key of the authority cannot be %s',
  async (host) => {
    const authority = await makeAuthority([...loopback, ...names('shop.test', '10.0.0.5')], now);
    const forged = await issue(authority, names(host), now);
    expect(await judged(authority.certificate, forged, host)).toBe('permitted subtree violation');
  },
);

test('the authority lasts ten years, signs servers, and makes no other authority', async () => {
  const authority = await makeAuthority(loopback, now);
  const parsed = new X509Certificate(authority.certificate);
  expect(parsed.ca).toBe(true);
  expect(parsed.validToDate > inDays(3650) && parsed.validToDate < inDays(3653)).toBe(true);
  const below = new X509Certificate((await issue(authority, loopback, now)).certificate);
  expect(below.ca).toBe(false);
  const usages = [parsed, below].map(({ raw }) => {
    const { usages: flags } = new Parsed(raw).getExtension(KeyUsagesExtension) ?? {};
    const { pathLength } = new Parsed(raw).getExtension(BasicConstraintsExtension) ?? {};
    return { flags, pathLength, purposes: new X509Certificate(raw).keyUsage };
  });
  expect(usages).toEqual([
    { flags: KeyUsageFlags.keyCertSign, pathLength: 0, purposes: [SERVER_AUTH] },
    { flags: KeyUsageFlags.digitalSignature, pathLength: undefined, purposes: [SERVER_AUTH] },
  ]);
});

test('what a certificate signs is not believed', async () => {
  const authority = await makeAuthority(loopback, now);
  const server = await issue(authority, loopback, now);
  const forged = await issue(server, loopback, now);
  expect(await judged(authority.certificate, forged)).toMatch(/certificate signing|invalid CA/);
});

test('a certificate lasts 397 days, and no longer than its authority', async () => {
  const authority = await makeAuthority(loopback, now);
  const until = async (at: Date) =>
    new X509Certificate((await issue(authority, loopback, at)).certificate);
  const { validFromDate, validToDate } = await until(now);
  const lastSecondMs = 1_000;
  const life = validToDate.getTime() - validFromDate.getTime() + lastSecondMs;
  expect(life).toBe(397 * DAY_MS);
  const end = new X509Certificate(authority.certificate).validToDate;
  expect((await until(inDays(3500))).validToDate).toEqual(end);
});

test.each([
  ['SHOP.test', 'shop.test'],
  ['bücher.test', 'xn--bcher-kva.test'],
  ['*.shop.test', '*.shop.test'],
  ['0:0:0:0:0:0:0:1', '::1'],
  ['gateway', 'gateway'],
])('%s is the name %s', (text, value) => {
  expect(parseName(text)?.value).toBe(value);
});

test.each([
  '',
  'https://shop.test',
  'shop.test:443',
  'shop.test.',
  'a_b.test',
  '-a.test',
  'a..test',
  '*',
  'a.*.test',
  '1.2.3',
  '256.1.1.1',
  '10.0.0.0/8',
  'fe80::1%eth0',
  '[::1]',
  'a b',
  `${'a'.repeat(64)}.test`,
  `${'a.'.repeat(130)}test`,
])('%j is no name', (text) => {
  expect(parseName(text)).toBeUndefined();
});

test('a bound holds the host, all below it, and nothing beside it', () => {
  const bounds = names('shop.test', '10.0.0.5');
  const within = (text: string) => names(text).every((name) => isWithin(name, bounds));
  for (const text of ['shop.test', 'a.b.shop.test', '*.shop.test', '10.0.0.5'])
    expect(within(text)).toBe(true);
  for (const text of ['test', 'notshop.test', 'shop.test.example', '10.0.0.50', '*.test'])
    expect(within(text)).toBe(false);
});

test.each([1, 5, 12, 100])('an authority bears %i names, and is believed', async (count) => {
  const hosts = Array.from({ length: count }, (_, index) => `host-${index}.shop.test`);
  const asked = [...loopback, ...names(...hosts, '10.1.2.3', 'fe80::1:2')];
  const authority = await makeAuthority(asked, now);
  expect(boundsOf(new X509Certificate(authority.certificate))).toEqual(asked);
  expect(await judged(authority.certificate, await issue(authority, asked, now))).toBe('trusted');
});

test('what is good is kept, byte for byte', async () => {
  const place = await folder();
  const first = await kept({ folder: place, names: names('shop.test') });
  const made = 'there was none';
  expect([first.authority.made, first.certificate.made]).toEqual([made, made]);
  const again = await kept({ folder: place, now: inDays(200) });
  expect([again.authority.made, again.certificate.made]).toEqual([null, null]);
  const { ca, caKey, cert, key } = again;
  expect({ ca, caKey, cert, key }).toEqual({
    ...{ ca: first.ca, caKey: first.caKey, cert: first.cert, key: first.key },
  });
  expect(again.certificate.fingerprint).toBe(new X509Certificate(cert).fingerprint256);
  expect((await readdir(place)).sort()).toEqual([
    ...['ca-key.pem', 'ca.pem', 'server-key.pem', 'server.pem'],
  ]);
});

test.each([
  ['near its end', {}, inDays(-270)],
  ['asked for', { renew: true }, now],
  ['names added', { names: names('api.shop.test') }, now],
])('a certificate is made anew, with a new key and all its names: %s', async (made, wish, at) => {
  const place = await folder();
  const before = await kept({ folder: place, names: names('shop.test'), now: at });
  const after = await kept({ folder: place, ...wish });
  expect(after.certificate.made).toBe(made);
  expect(after.certificate.names).toEqual(expect.arrayContaining([...before.certificate.names]));
  expect([after.ca, after.caKey]).toEqual([before.ca, before.caKey]);
  expect(after.key).not.toBe(before.key);
  const pair = { certificate: after.cert, key: after.key };
  expect(await judged(before.ca, pair, 'shop.test')).toBe('trusted');
});

test('one authority signs several certificates', async () => {
  const place = await folder();
  const gateway = await kept({ folder: place, names: names('gateway', 'redis') });
  const redis = await kept({ folder: place, name: 'redis', names: names('redis') });
  expect(redis.certificate.file).toBe(join(place, 'redis.pem'));
  expect(redis.certificate.names).not.toContain('gateway');
  expect(await judged(gateway.ca, { certificate: redis.cert, key: redis.key }, 'redis')).toBe(
    'trusted',
  );
});

test('whoever reads while certificates are replaced reads whole ones', async () => {
  const place = await folder();
  const { certificate } = await kept({ folder: place });
  let isOver = false;
  let read = 0;
  const reading = (async () => {
    while (!isOver) {
      expect(new X509Certificate(await readFile(certificate.file)).ca).toBe(false);
      expect(() => createPrivateKey(readFileSync(certificate.keyFile))).not.toThrow();
      read += 1;
    }
  })();
  const replacing = (async () => {
    for (let turn = 0; !isOver && (turn < 20 || read < 20); turn += 1) {
      await keepCertificates({ folder: place, renew: true });
    }
  })();
  await Promise.race([reading, replacing]).finally(() => {
    isOver = true;
  });
  await Promise.all([reading, replacing]);
});

test('runs that begin at once make one authority, and the next run finds all in order', async () => {
  const place = await folder();
  const runs = await Promise.allSettled(
    Array.from({ length: 8 }, () => keepCertificates({ folder: place })),
  );
  for (const run of runs) {
    if (run.status === 'rejected') expect(run.reason).toMatchObject({ code: 'unfit-certificate' });
  }
  const { ca, cert, key } = await kept({ folder: place });
  expect(await judged(ca, { certificate: cert, key })).toBe('trusted');
  expect(await readdir(place)).toHaveLength(4);
  const { fingerprint256 } = new X509Certificate(ca);
  for (const run of runs) {
    if (run.status === 'fulfilled') expect(run.value.authority.fingerprint).toBe(fingerprint256);
  }
});

test.skipIf(process.platform === 'win32')('keys are for their owner alone', async () => {
  const place = await folder();
  const { authority, certificate } = await kept({ folder: place });
  const mode = async (file: string) => (await stat(file)).mode & 0o777;
  expect(await mode(place)).toBe(0o700);
  expect(await mode(authority.keyFile)).toBe(0o600);
  expect(await mode(certificate.keyFile)).toBe(0o600);
});

test('a run that was broken off between key and certificate is made good by the next', async () => {
  const place = await folder();
  const before = await kept({ folder: place });
  const other = await kept({ folder: await folder() });
  await writeFile(before.certificate.keyFile, other.key);
  expect((await kept({ folder: place })).certificate.made).toBe('key lost');
  await rm(before.certificate.keyFile);
  const { certificate, ca, cert, key } = await kept({ folder: place });
  expect(certificate.made).toBe('key lost');
  expect(await judged(ca, { certificate: cert, key })).toBe('trusted');
});

test.each<[string, (files: Awaited<ReturnType<typeof kept>>) => Promise<unknown>, RegExp, Date?]>([
  ['the key is gone', ({ authority }) => rm(authority.keyFile), /ca-key.pem is not there/],
  ['the key is another', ({ authority, key }) => writeFile(authority.keyFile, key), /not the key/],
  ['only the key is there', ({ authority }) => rm(authority.file), /another run is at work/],
  ['it is no PEM', ({ authority }) => writeFile(authority.file, 'x'), /not a certificate/],
  [
    'it is a server',
    async ({ authority, cert, key }) => {
      await writeFile(authority.file, cert);
      await writeFile(authority.keyFile, key);
    },
    /not an authority/,
  ],
  ['it has ended', async () => undefined, /has ended/, inDays(4000)],
])('an authority is never replaced; it is said when %s', async (_, harm, says, at) => {
  const place = await folder();
  const files = await kept({ folder: place });
  await harm(files);
  const all = async () =>
    Promise.all((await readdir(place)).map((name) => readFile(join(place, name))));
  const before = await all();
  const failing = keepCertificates({ folder: place, renew: true, now: at ?? now });
  await expect(failing).rejects.toMatchObject({ code: 'unfit-certificate' });
  await expect(failing).rejects.toThrow(says);
  expect(await all()).toEqual(before);
});

test("another's certificate is not replaced", async () => {
  const place = await folder();
  const { certificate } = await kept({ folder: place });
  const other = await kept({ folder: await folder() });
  await writeFile(certificate.file, other.cert);
  await expect(keepCertificates({ folder: place, renew: true })).rejects.toThrow(/not signed by/);
  expect(await readFile(certificate.file, 'utf8')).toBe(other.cert);
});

test('a name outside the bounds of the authority is refused, and they are told', async () => {
  const place = await folder();
  await kept({ folder: place });
  const wish = { folder: place, names: names('bank.example') };
  await expect(keepCertificates(wish)).rejects.toThrow(
    /localhost, 127.0.0.1, ::1, and not for bank.example/,
  );
});
