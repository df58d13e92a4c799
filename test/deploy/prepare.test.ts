// The secrets that compose mounts: who may see them, and that no service can sign or anchor for
// another.

import { execFileSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { keepCertificates } from '../../src/certificates/folder.ts';

const deploy = join(import.meta.dirname, '../../deploy');

interface Service {
  readonly environment?: Readonly<Record<string, string>>;
  readonly secrets?: readonly (string | { readonly source: string; readonly target: string })[];
  readonly volumes?: readonly string[];
}

const prepareIn = (folder: string) =>
  execFileSync(process.execPath, [join(deploy, 'prepare.ts')], {
    env: { ...process.env, SECRETS: folder },
    encoding: 'utf8',
  });

test.skipIf(process.platform === 'win32')(
  'a folder of secrets that others could enter is closed to them, and what is in it stays',
  () => {
    const folder = mkdtempSync(join(tmpdir(), 'sessionlab-secrets-'));
    const prepare = () => prepareIn(folder);
    try {
      chmodSync(folder, 0o755);
      prepare();
      expect(statSync(folder).mode & 0o777).toBe(0o700);
      const key = readFileSync(join(folder, 'gateway_audit_key'), 'utf8');
      chmodSync(folder, 0o750);
      prepare();
      expect(statSync(folder).mode & 0o777).toBe(0o700);
      expect(readFileSync(join(folder, 'gateway_audit_key'), 'utf8')).toBe(key);
      expect(readFileSync(join(folder, 'stateless_audit_key'), 'utf8')).not.toBe(key);
    } finally {
      rmSync(folder, { recursive: true });
    }
  },
);

test("a gateway's certificate of another authority stays, and the stores' is made all the same", async () => {
  const folder = mkdtempSync(join(tmpdir(), 'sessionlab-secrets-'));
  try {
    prepareIn(folder);
    const other = await keepCertificates({ folder: join(folder, 'other'), name: 'gateway' });
    const { file, keyFile } = other.certificate;
    const installed = join(folder, 'gateway-tls/gateway.pem');
    copyFileSync(keyFile, join(folder, 'gateway-tls/gateway-key.pem'));
    copyFileSync(file, installed);
    rmSync(join(folder, 'stores-tls/stores.pem'));
    expect(prepareIn(folder)).toMatch(/kept .*gateway\.pem .*another authority/);
    expect(readFileSync(installed, 'utf8')).toBe(readFileSync(file, 'utf8'));
    expect(readFileSync(join(folder, 'stores-tls/stores.pem'), 'utf8')).toContain('CERTIFICATE');
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('every service of compose has an audit key and anchors that no other has, and a time limit', () => {
  const compose = parse(readFileSync(join(deploy, 'compose.yaml'), 'utf8'), { merge: true });
  const services = Object.values<Service>(compose.services);
  const writers = services.filter(({ environment }) => environment?.AUDIT_FOLDER);
  const keys = writers.map(({ secrets = [] }) => {
    const key = secrets.find((each) => typeof each === 'object' && each.target === 'audit_key');
    return typeof key === 'object' ? key.source : undefined;
  });
  const anchors = writers.map(({ environment = {}, volumes = [] }) => {
    const place = `:${environment.AUDIT_ANCHOR}`;
    return volumes.find((each) => each.endsWith(place))?.slice(0, -place.length);
  });
  expect(writers).toHaveLength(6);
  for (const own of [keys, anchors]) expect(new Set(own.filter(Boolean)).size).toBe(6);
  for (const key of keys) expect(compose.secrets[key ?? '']?.file).toMatch(`/${key}`);
  for (const volume of anchors) expect(compose.volumes).toHaveProperty([volume ?? '']);
  for (const { environment } of writers) expect(environment?.AUDIT_RETAIN_MS).toBe('7776000000');
});
