// What nginx could not take is tried again by its supervisor, though nobody asks again.

import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { expect, onTestFinished, test, vi } from 'vitest';
import { keepCertificates } from '../../src/certificates/folder.ts';
import { nginx } from '../../src/gateways/nginx.ts';

async function shown(url = ''): Promise<string> {
  const port = Number(new URL(url).port);
  const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false });
  await once(socket, 'secureConnect');
  const { fingerprint256 } = socket.getPeerCertificate();
  socket.destroy();
  return fingerprint256;
}

test.skipIf(nginx.missing())(
  'a certificate that was refused is taken once it is whole',
  async () => {
    const folder = await mkdtemp(join(tmpdir(), 'sessionlab-retry-'));
    onTestFinished(() => rm(folder, { recursive: true }));
    const renew = async () =>
      (await keepCertificates({ folder, names: [], renew: true })).certificate;
    const { file: certFile, keyFile, fingerprint } = await renew();
    await using running = await nginx.start({
      groups: [],
      routes: [],
      listen: { port: 0, tls: { port: 0, certFile, keyFile } },
      seed: 'retry',
      answerTimeoutMs: 500,
    });
    const renewed = await renew();
    const whole = await readFile(certFile);
    await writeFile(certFile, 'half a certif');
    await expect(running.reload()).rejects.toMatchObject({ code: 'gateway-unavailable' });
    expect(await shown(running.tlsUrl)).toBe(fingerprint);
    await writeFile(certFile, whole);
    const isTaken = async () => expect(await shown(running.tlsUrl)).toBe(renewed.fingerprint);
    await vi.waitFor(isTaken, { timeout: 15_000, interval: 100 });
  },
);
