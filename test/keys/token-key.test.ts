// What may be a key: three algorithms, each with keys that are strong, whole and meant for it.

import { createPublicKey, generateKeyPairSync, randomBytes, verify } from 'node:crypto';
import { inspect } from 'node:util';
import { compactVerify, importJWK } from 'jose';
import { describe, expect, test } from 'vitest';
import { algorithms } from '../../src/keys/algorithms.ts';
import { given } from '../../src/keys/given.ts';
import type { TokenAlgorithm } from '../../src/keys/key-ring.ts';
import { newTokenKey } from '../../src/keys/token-key.ts';

const open = (text: string | undefined) =>
  given.open({
    ...(text !== undefined && { given: text }),
    ...{ algorithm: 'EdDSA', rotationMs: 60_000, tokenMs: 1_000, timeoutMs: 1_000 },
  });

const names = Object.keys(algorithms) as TokenAlgorithm[];
const jwks = new Map(
  await Promise.all(
    names.map(async (name) => [name, JSON.parse(await newTokenKey(name))] as const),
  ),
);
const ed = jwks.get('EdDSA');
const ec = jwks.get('ES256');

describe.each(names)('a key for %s', (name) => {
  const text = JSON.stringify(jwks.get(name));

  test('signs what others verify, and verifies nothing else', async () => {
    const key = (await open(text)).signing();
    expect(key.algorithm).toBe(name);
    const input = `${Buffer.from(JSON.stringify({ alg: name })).toString('base64url')}.YQ`;
    const signature = key.sign(input);
    const verifier = await importJWK(key.publicJwk ?? JSON.parse(text), name);
    const jws = `${input}.${signature.toString('base64url')}`;
    expect((await compactVerify(jws, verifier)).protectedHeader.alg).toBe(name);
    expect(key.verify(input, signature)).toBe(true);
    expect(key.verify(`${input}.`, signature)).toBe(false);
    const lengths = [0, 1, signature.length - 1, signature.length + 1, 4_096];
    for (const length of lengths) expect(key.verify(input, Buffer.alloc(length, 1))).toBe(false);
    for (let bit = 0; bit < signature.length * 8; bit += 1) {
      const other = Buffer.from(signature);
      other[bit >> 3] = (other[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(key.verify(input, other)).toBe(false);
    }
  });

  test('shows others its public half, and a secret to nobody', async () => {
    const ring = await open(text);
    const { keys } = ring.jwks();
    const { d = '', k = '' } = JSON.parse(text);
    expect(inspect([ring, ring.signing(), keys], { depth: 9, showHidden: true })).not.toContain(
      d || k,
    );
    if (name === 'HS256') expect(keys).toEqual([]);
    else expect(keys).toMatchObject([{ kid: ring.signing().id, alg: name, use: 'sig' }]);
  });
});

test('ES256 signs in the form of RFC 7518, however many digits its numbers have', async () => {
  const ring = await open(JSON.stringify(ec));
  const { publicJwk } = ring.signing();
  const verifier = createPublicKey({ key: { ...publicJwk }, format: 'jwk' });
  const dsaEncoding = 'ieee-p1363';
  let short = 0;
  for (let number = 0; number < 2_000; number += 1) {
    const text = `${number}`;
    const signature = ring.signing().sign(text);
    if (signature[0] === 0 || signature[32] === 0) short += 1;
    const key = { key: verifier, dsaEncoding } as const;
    const good = verify('sha256', Buffer.from(text), key, signature);
    expect([good, ring.signing().verify(text, signature)]).toEqual([true, true]);
  }
  expect(short).toBeGreaterThan(0);
});

test('ES256 refuses the edge values of r and s, and the twin of a signature [ASVS 9.1.1]', async () => {
  const key = (await open(JSON.stringify(ec))).signing();
  const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
  const bytes = (number: bigint) => Buffer.from(number.toString(16).padStart(64, '0'), 'hex');
  const signature = key.sign('text');
  const [r, s] = [signature.subarray(0, 32), signature.subarray(32)];
  for (const edge of [0n, 1n, order - 1n, order, order + 1n, 2n ** 256n - 1n].map(bytes)) {
    for (const pair of [
      [edge, s],
      [r, edge],
      [edge, edge],
    ]) {
      expect(key.verify('text', Buffer.concat(pair))).toBe(false);
    }
  }
  const twin = bytes(order - BigInt(`0x${s.toString('hex')}`));
  expect(key.verify('text', Buffer.concat([r, s]))).toBe(true);
  expect(key.verify('text', Buffer.concat([r, twin]))).toBe(false);
  const der = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  expect(key.verify('text', der.publicKey.export({ type: 'spki', format: 'der' }))).toBe(false);
});

test('of a set of keys the first signs, and all verify [ASVS 9.1.3]', async () => {
  const { d: _, ...old } = ec;
  const ring = await open(JSON.stringify({ keys: [ed, old] }));
  const oldRing = await open(JSON.stringify(ec));
  expect(ring.signing().algorithm).toBe('EdDSA');
  const before = oldRing.signing();
  expect(ring.verifying(before.id)?.verify('text', before.sign('text'))).toBe(true);
  expect(oldRing.verifying(ring.signing().id)).toBeUndefined();
  expect(ring.jwks().keys.map(({ kid }) => kid)).toEqual([ring.signing().id, before.id]);
});

test('unfit keys are refused at the start, and none shows in the error [ASVS 9.1.3]', async () => {
  const { d, ...publicJwk } = ed;
  const otherCurve = generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey;
  const rsa = generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey;
  const oct = (bytes: Buffer) => ({ kty: 'oct', k: bytes.toString('base64url') });
  const stranger = JSON.parse(await newTokenKey('ES256'));
  const unfit: unknown[] = [
    null,
    d,
    [ed],
    { keys: [] },
    { keys: ed },
    { keys: [null] },
    publicJwk,
    { keys: [publicJwk, ed] },
    { ...ed, d: `${d}AAAA` },
    { ...ed, d: 5 },
    { ...ed, x: JSON.parse(await newTokenKey()).x },
    { ...ec, x: stranger.x, y: stranger.y },
    { ...ec, y: ec.x },
    { ...ed, alg: 'ES256' },
    { ...ed, use: 'enc' },
    { ...ed, crv: 'X25519' },
    otherCurve.export({ format: 'jwk' }),
    rsa.export({ format: 'jwk' }),
    oct(randomBytes(31)),
    oct(Buffer.alloc(64, 'secret')),
    { ...oct(randomBytes(32)), alg: 'A256GCM' },
    { kty: 'oct' },
  ];
  const texts = [
    undefined,
    '',
    `${JSON.stringify(ed)}}`,
    ...unfit.map((key) => JSON.stringify(key)),
  ];
  for (const text of texts) {
    const error = await open(text).catch((cause: unknown) => cause);
    expect(error, text).toMatchObject({ code: 'unfit-key' });
    const said = inspect(error);
    expect(said).toContain('Set TOKEN_KEY');
    expect(said).not.toContain(d);
    const { k = 'none' } = text?.includes('"k"') ? JSON.parse(text) : {};
    expect(said).not.toContain(k === 'none' ? ec.d : k);
  }
});
