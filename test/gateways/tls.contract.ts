// What every gateway owes those who come over TLS, and those who do not. The clients trust one
// authority, made for the test, and nothing else.

import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type ConnectionOptions, connect } from 'node:tls';
import { expect, onTestFinished, test, vi } from 'vitest';
import { keepCertificates } from '../../src/certificates/folder.ts';
import { parseName } from '../../src/certificates/name.ts';
import type { AccessLine } from '../../src/gateways/access-line.ts';
import { securityFields } from '../../src/gateways/border.ts';
import type { Gateway, GatewayOptions, Listening } from '../../src/gateways/gateway.ts';
import { type Answer, ask, converse, see, upgrade } from './asking.ts';
import { TestServer } from './upstream.ts';

const patience = { timeout: 15_000, interval: 20 };
const older = { ciphers: 'ALL:@SECLEVEL=0', minVersion: 'TLSv1' } as const;

async function folder(): Promise<string> {
  const made = await mkdtemp(join(tmpdir(), 'sessionlab-tls-'));
  onTestFinished(() => rm(made, { recursive: true }));
  return made;
}

interface Wish extends Partial<Omit<GatewayOptions, 'listen'>> {
  readonly policy?: string;
  readonly inTheClear?: Listening['inTheClear'];
  readonly publicPort?: number;
}

async function stage(gateway: Gateway, wish: Wish = {}) {
  const { policy = 'round-robin', inTheClear = 'everything', publicPort, ...options } = wish;
  const s1 = new TestServer('s1');
  await s1.start();
  onTestFinished(() => s1.kill());
  const place = await folder();
  const names = ['shop.test', '*.shop.test'].flatMap((name) => parseName(name) ?? []);
  const renew = async () => {
    const { authority, certificate } = await keepCertificates({
      folder: place,
      names,
      renew: true,
    });
    return { ...certificate, ca: await readFile(authority.file, 'utf8') };
  };
  const { file: certFile, keyFile, fingerprint, ca } = await renew();
  const tls = { port: 0, certFile, keyFile, ...(publicPort !== undefined && { publicPort }) };
  const running = await gateway.start({
    groups: [{ name: 'servers', policy, upstreams: [{ name: 's1', url: s1.url }] }],
    routes: [{ path: '/app/', base: '/app', group: 'servers' }],
    listen: { port: 0, tls, inTheClear },
    seed: 'tls',
    answerTimeoutMs: 5_000,
    ...options,
  });
  onTestFinished(async () => await running[Symbol.asyncDispose]());
  const { url, tlsUrl = 'it has no TLS' } = running;
  return { running, s1, url, tlsUrl, ca, certFile, keyFile, fingerprint, renew };
}

/** What was agreed on, or the code of the error. */
async function shake(url: string, options: ConnectionOptions) {
  const socket = connect({ host: '127.0.0.1', port: Number(new URL(url).port), ...options });
  onTestFinished(() => void socket.destroy());
  return await once(socket, 'secureConnect').then(
    () => ({
      protocol: socket.getProtocol(),
      cipher: socket.getCipher().name,
      fingerprint: socket.getPeerCertificate().fingerprint256,
    }),
    (error: NodeJS.ErrnoException) => String(error.code),
  );
}

function safe({ fields }: Pick<Answer, 'fields'>): void {
  expect(fields).toMatchObject(securityFields);
  expect(fields['x-request-id']).toMatch(/^[\w-]{16,}$/);
  expect(JSON.stringify(fields)).not.toMatch(/nginx\/|node|\/\d+\.\d+/i);
}

export function tls(gateway: Gateway): void {
  test.each(['TLSv1.2', 'TLSv1.3'] as const)(
    '%s, for a client that trusts only the authority, by name and by address [ASVS 12.1.1]',
    async (version) => {
      const { tlsUrl, ca, fingerprint } = await stage(gateway);
      const only = { ca, minVersion: version, maxVersion: version };
      expect(await shake(tlsUrl, only)).toMatchObject({ protocol: version, fingerprint });
      for (const name of [{}, { servername: 'localhost' }, { servername: 'api.shop.test' }]) {
        expect((await ask(`${tlsUrl}/app/`, { tls: { ...only, ...name } })).status).toBe(200);
      }
      const { ca: strange } = await stage(gateway);
      await expect(ask(`${tlsUrl}/app/`, { tls: { ca: strange } })).rejects.toThrow(/self-signed/);
    },
  );

  test('nothing older [ASVS 12.1.1]', async () => {
    const { tlsUrl, ca } = await stage(gateway);
    for (const maxVersion of ['TLSv1', 'TLSv1.1'] as const) {
      // The alert is the gateway's: a client that could not even try would say something else.
      const outcome = await shake(tlsUrl, { ca, ...older, maxVersion });
      expect([maxVersion, outcome]).toEqual([maxVersion, 'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION']);
    }
  });

  test('in TLS 1.2 no cipher without forward secrecy and authentication [ASVS 12.1.2]', async () => {
    const { tlsUrl, ca } = await stage(gateway);
    const offering = async (cipher: string) => {
      const ciphers = `${cipher}:@SECLEVEL=0`;
      return { cipher, outcome: await shake(tlsUrl, { ca, ciphers, maxVersion: 'TLSv1.2' }) };
    };
    for (const good of ['AES128-GCM-SHA256', 'AES256-GCM-SHA384', 'CHACHA20-POLY1305']) {
      const cipher = `ECDHE-ECDSA-${good}`;
      expect(await offering(cipher)).toMatchObject({ outcome: { cipher } });
    }
    const ephemeral = ['AES128-SHA', 'AES256-SHA384', 'AES128-CCM8', 'NULL-SHA'];
    for (const weak of [...ephemeral.map((name) => `ECDHE-ECDSA-${name}`), 'AECDH-AES128-SHA']) {
      const outcome = expect.stringContaining('HANDSHAKE_FAILURE');
      expect(await offering(weak)).toEqual({ cipher: weak, outcome });
    }
  });

  test('every answer over TLS says to stay with it, and none in the clear [ASVS 3.4.1]', async () => {
    const { url, tlsUrl, ca, s1 } = await stage(gateway);
    const long = { 'x-long': 'x'.repeat(20_000) };
    const questions = async (from: string) => [
      await ask(`${from}/app/`, { tls: { ca } }),
      await ask(`${from}/app/teapot`, { tls: { ca }, method: 'POST', body: 'x' }),
      await ask(`${from}/nowhere`, { tls: { ca } }),
      await ask(`${from}/app//`, { tls: { ca } }),
      await ask(`${from}/app/`, { tls: { ca }, method: 'TRACE' }),
      await ask(`${from}/app/`, { tls: { ca }, fields: long }),
      await ask(`${from}/app/die`, { tls: { ca } }),
    ];
    const answers = await questions(tlsUrl);
    const inTheClear = await questions(url);
    await s1.kill();
    answers.push(await ask(`${tlsUrl}/app/`, { tls: { ca } }));
    inTheClear.push(await ask(`${url}/app/`));
    const statuses = [200, 418, 404, 400, 405, 431, 502, 503];
    expect(answers.map(({ status }) => status)).toEqual(statuses);
    expect(inTheClear.map(({ status }) => status)).toEqual(statuses);
    for (const answer of answers) {
      safe(answer);
      expect(answer.fields['strict-transport-security']).toMatch(/^max-age=31536000\b/);
    }
    for (const answer of inTheClear) {
      safe(answer);
      expect(answer.fields).not.toHaveProperty('strict-transport-security');
    }
  });

  test('so does an answer to what is no request', async () => {
    const { tlsUrl, ca } = await stage(gateway);
    const lines = ['NONSENSE', 'GET /app/ HTTP/1.1', 'GET /app/ HTTP/1.1\r\nhost: a\r\nhost: b'];
    for (const line of lines) {
      const answer = await converse(tlsUrl, `${line}\r\nconnection: close\r\n\r\n`, { ca });
      expect([line, answer]).toEqual([line, expect.stringMatching(/^HTTP\/1\.1 400 /)]);
      expect(answer).toMatch(/^strict-transport-security: max-age=31536000\b/im);
      for (const [name, value] of Object.entries(securityFields)) {
        expect(answer.toLowerCase()).toContain(`\r\n${name}: ${value}`);
      }
    }
  });

  test('servers are told that it was TLS, whatever the client says', async () => {
    const { tlsUrl, ca } = await stage(gateway);
    const fields = { 'x-forwarded-proto': 'http', forwarded: 'proto=http' };
    const { headers } = await see(`${tlsUrl}/app/`, { tls: { ca }, fields });
    expect(headers['x-forwarded-proto']).toBe('https');
    expect(headers.forwarded).toMatch(/^for=127\.0\.0\.1;host="[^"]*";proto=https$/);
  });

  test('the affinity cookie is Secure over TLS, and only there', async () => {
    const { url, tlsUrl, ca } = await stage(gateway, { policy: 'sticky-cookie' });
    const attributes = async (from: string) => {
      const { fields } = await ask(`${from}/app/`, { tls: { ca } });
      const line = fields['set-cookie']?.find((each) => each.startsWith('affinity_servers=s1'));
      return line?.split('; ').slice(1).sort();
    };
    expect(await attributes(tlsUrl)).toEqual(['HttpOnly', 'Path=/', 'SameSite=Lax', 'Secure']);
    expect(await attributes(url)).toEqual(['HttpOnly', 'Path=/', 'SameSite=Lax']);
  });

  test('a WebSocket goes through', async () => {
    const { tlsUrl, ca } = await stage(gateway);
    const outcome = await upgrade(`${tlsUrl}/app/live`, {}, { ca });
    if (!('socket' in outcome)) throw new Error(`refused: ${outcome.status}`);
    onTestFinished(() => void outcome.socket.destroy());
    expect(outcome.fields['strict-transport-security']).toMatch(/^max-age/);
  });

  test('the log says which TLS it was, and who was served, which no client is told', async () => {
    const accessLogFile = join(await folder(), 'access.ndjson');
    const { running, url, tlsUrl, ca } = await stage(gateway, { accessLogFile });
    await ask(`${url}/app/`);
    await ask(`${tlsUrl}/app/`, { tls: { ca, maxVersion: 'TLSv1.2' } });
    const claims = { 'x-audit': 's9#9 / mallory h9' };
    const { fields } = await ask(`${tlsUrl}/app/audited`, { tls: { ca }, fields: claims });
    expect(fields).not.toHaveProperty('x-audit');
    await ask(`${tlsUrl}/app/`, { tls: { ca }, fields: claims });
    await running[Symbol.asyncDispose]();
    const lines = (await readFile(accessLogFile, 'utf8')).trimEnd().split('\n');
    const logged = lines.map((line) => JSON.parse(line) as AccessLine);
    expect(logged.map((line) => line.tls)).toEqual([null, 'TLSv1.2', 'TLSv1.3', 'TLSv1.3']);
    const served = { by: 's1#1', route: '/audited', userId: 'u1', session: 'h1' };
    expect(logged.map((line) => line.served)).toEqual([null, null, served, null]);
  });

  onlyHealth(gateway);
  renewal(gateway);
}

function onlyHealth(gateway: Gateway): void {
  const inTheClear = 'health';

  test('in the clear only the question after health is answered [ASVS 12.2.1]', async () => {
    const { url, s1 } = await stage(gateway, { inTheClear, publicPort: 443 });
    const host = 'shop.test:8080';
    const allowed = await ask(`${url}/app/health`, { fields: { host } });
    expect([allowed.status, s1.seen.length]).toEqual([200, 1]);
    safe(allowed);
    for (const question of [
      ...['POST /app/health', 'HEAD /app/health', 'GET /app/healthy', 'GET /app/?/health'],
      ...['GET /app/?a=b&c', 'POST /app/login', 'DELETE /app/', 'GET /nowhere', 'GET /'],
    ]) {
      const [method = '', path] = question.split(' ');
      const { status, fields } = await ask(`${url}${path}`, { method, fields: { host } });
      const location = `https://shop.test${path}`;
      expect([question, status, fields.location]).toEqual([question, 308, location]);
      safe({ fields });
      expect(fields).not.toHaveProperty('strict-transport-security');
    }
    expect(s1.seen).toHaveLength(1);
  });

  test('who is sent to TLS is sent to the public port, under the same name', async () => {
    for (const publicPort of [443, 8443]) {
      const { url } = await stage(gateway, { inTheClear, publicPort });
      for (const name of ['localhost', '127.0.0.1', '[::1]', 'API.Shop.Test']) {
        for (const host of [name, `${name}:8080`]) {
          const { fields } = await ask(`${url}/app/`, { fields: { host } });
          const port = publicPort === 443 ? '' : `:${publicPort}`;
          const location = `https://${name.toLowerCase()}${port}/app/`;
          expect([host, fields.location?.toLowerCase()]).toEqual([host, location]);
        }
      }
    }
  });

  test('nobody is sent to a host that the certificate does not name', async () => {
    const { url, s1 } = await stage(gateway, { inTheClear, publicPort: 443 });
    const strange = ['evil.example', 'shop.test.evil.example', 'shop.test@evil.example', '[::2]'];
    const odd = ['@', 'evil.example/shop.test', 'shop.test, evil.example', 'evil.example:443'];
    for (const host of [...strange, ...odd]) {
      const answer = await ask(`${url}/app/login`, { method: 'POST', body: 'x', fields: { host } });
      expect([host, answer.fields.location]).toEqual([host, undefined]);
      expect(answer.status).toBeGreaterThanOrEqual(400);
      expect(answer.status).toBeLessThan(500);
    }
    expect(s1.seen).toEqual([]);
  });

  test('and no WebSocket begins in the clear', async () => {
    const { url, s1 } = await stage(gateway, { inTheClear });
    const outcome = await upgrade(`${url}/app/live`, { host: 'shop.test' });
    expect('socket' in outcome ? 101 : outcome.status).toBe(308);
    expect(s1.seen).toEqual([]);
  });
}

function renewal(gateway: Gateway): void {
  test('a renewed certificate loses no request, and breaks no open connection', async () => {
    const { running, tlsUrl, ca, fingerprint, renew } = await stage(gateway);
    const live = await upgrade(`${tlsUrl}/app/live`, {}, { ca });
    if (!('socket' in live)) throw new Error(`refused: ${live.status}`);
    onTestFinished(() => void live.socket.destroy());
    let heard = '';
    live.socket.on('data', (chunk) => (heard += chunk.toString()));
    const inFlight = ask(`${tlsUrl}/app/late?ms=1500`, { tls: { ca } });

    let isOver = false;
    const client = async (worker: number) => {
      const statuses: number[] = [];
      while (!isOver) {
        const method = worker % 2 === 0 ? 'GET' : 'POST';
        const body = 'x'.repeat(1_000);
        statuses.push((await ask(`${tlsUrl}/app/late?ms=5`, { tls: { ca }, method, body })).status);
      }
      return statuses;
    };
    const clients = [0, 1, 2, 3].map(client);
    let latest = fingerprint;
    for (let turn = 0; turn < 4; turn += 1) {
      latest = (await renew()).fingerprint;
      await running.reload();
      const seen = async () =>
        expect(await shake(tlsUrl, { ca })).toMatchObject({ fingerprint: latest });
      await vi.waitFor(seen, patience);
      await delay(50);
    }
    isOver = true;
    const statuses = (await Promise.all(clients)).flat();
    expect(statuses.length).toBeGreaterThan(10);
    expect(new Set(statuses)).toEqual(new Set([200]));
    expect(latest).not.toBe(fingerprint);
    expect((await inFlight).status).toBe(200);
    live.socket.write('still here');
    await vi.waitFor(() => expect(heard).toBe('s1:still here'), patience);
  });

  test('a certificate that cannot be used is refused, and the one before stays', async () => {
    const { running, tlsUrl, ca, certFile, keyFile, fingerprint } = await stage(gateway);
    const { keyFile: another } = await stage(gateway);
    await writeFile(keyFile, await readFile(another));
    await expect(running.reload()).rejects.toMatchObject({ code: 'gateway-unavailable' });
    await writeFile(certFile, 'half a certif');
    await expect(running.reload()).rejects.toMatchObject({ code: 'gateway-unavailable' });
    expect(await shake(tlsUrl, { ca })).toMatchObject({ fingerprint });
    expect((await ask(`${tlsUrl}/app/`, { tls: { ca } })).status).toBe(200);
  });

  test('a route that a broken certificate holds up is taken when it is whole again', async () => {
    const { running, url, s1, certFile } = await stage(gateway);
    const s2 = new TestServer('s2');
    await s2.start();
    onTestFinished(() => s2.kill());
    const whole = await readFile(certFile);
    await writeFile(certFile, 'half a certif');
    const servers = [s1, s2].map(({ name, url }) => ({ name, url }));
    await running.route('servers', servers).catch(() => undefined);
    await writeFile(certFile, whole);
    const seen = async () => expect((await see(`${url}/app/`)).by).toBe('s2');
    await vi.waitFor(seen, patience);
  });

  test('what is not there stops the start, and it is said', async () => {
    const { certFile } = await stage(gateway);
    const tls = { port: 0, certFile, keyFile: '/nowhere/key.pem' };
    const starting = gateway.start({
      groups: [],
      routes: [],
      listen: { port: 0, tls },
      seed: 'tls',
      answerTimeoutMs: 500,
    });
    await expect(starting).rejects.toMatchObject({ code: 'gateway-unavailable' });
    await expect(starting).rejects.toThrow(/nowhere/);
  });
}
