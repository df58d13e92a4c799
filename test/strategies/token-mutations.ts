// What can be done to a token by somebody who has tokens, all public keys and keys of their own,
// but none of ours: one function for each family of attacks, each of which makes another text of a
// token at every call. Seeded, so that a finding can be repeated.

import { createHmac, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import type { JWK } from 'jose';
import type { Random } from '../../src/core/random.ts';

/** What the attacker has. */
export interface Loot {
  /** Valid tokens, of several users, signed with several keys. */
  readonly tokens: readonly string[];
  readonly publicJwks: readonly JWK[];
  /** The same keys in every form in which they might be taken for a secret. */
  readonly publicTexts: readonly (string | Buffer)[];
}

type Mutation = (token: string, random: Random, loot: Loot) => string;
type Members = Record<string, unknown>;

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
const ed = generateKeyPairSync('ed25519');
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const ownJwk = ed.publicKey.export({ format: 'jwk' });
const p256Order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
const ed25519Order = 2n ** 252n + 27742317777372353535851937790883648493n;

const encode = (part: string | Uint8Array) => Buffer.from(part).toString('base64url');
const decode = (part: string) => Buffer.from(part, 'base64url');
const json = (part: string): Members => JSON.parse(decode(part).toString());
const split = (token: string) => token.split('.') as [string, string, string];

/** A signature over the text by whatever the attacker can sign with, or none. */
function forge(input: string, random: Random, { publicTexts, tokens }: Loot): string {
  const data = Buffer.from(input);
  const hmac = (secret: string | Buffer | KeyObject) =>
    createHmac('sha256', secret).update(input).digest();
  const ways: readonly (() => Uint8Array | string)[] = [
    () => '',
    () => Buffer.alloc(random.pick([1, 32, 64, 96])),
    () => split(random.pick(tokens))[2],
    () => hmac(random.pick(publicTexts)),
    () => hmac(random.pick(['', 'secret', '\0', 'A'.repeat(32)])),
    () => sign(null, data, ed.privateKey),
    () => sign('sha256', data, { key: ec.privateKey, dsaEncoding: 'ieee-p1363' }),
    () => sign('sha256', data, ec.privateKey),
  ];
  const made = random.pick(ways)();
  return typeof made === 'string' ? made : encode(made);
}

const headerChanges: readonly ((header: Members, random: Random, loot: Loot) => unknown)[] = [
  (h, random) => ({
    ...h,
    alg: random.pick<unknown>([
      ...['none', 'None', 'NONE', 'nOnE', 'none ', '', 'HS256', 'HS384', 'HS512', 'RS256', 'PS256'],
      ...['ES256', 'ES256K', 'ES384', 'EdDSA', 'Ed25519', 'eddsa', 'dir', 'A256KW', 'SHA256'],
      ...[null, 0, true, [], ['EdDSA'], {}],
    ]),
  }),
  (h, random) => ({
    ...h,
    kid: random.pick<unknown>([
      ...['', '../../../dev/null', '/proc/sys/kernel/hostname', "' OR '1'='1", '__proto__'],
      ...['constructor', 'toString', 'http://127.0.0.1:1/key', 'A'.repeat(43), 'k'.repeat(2_000)],
      ...[null, 0, true, [h.kid], { kid: h.kid }, `${h.kid} `, `${h.kid}\0`, ownJwk.x],
    ]),
  }),
  (h, random, { publicJwks }) => ({ ...h, kid: random.pick(publicJwks).kid }),
  (h, random) => ({
    ...h,
    ...random.pick<Members>([
      { jwk: ownJwk },
      { jku: 'http://127.0.0.1:1/jwks.json' },
      { x5u: 'http://127.0.0.1:1/cert.pem' },
      { x5c: [ownJwk.x] },
      { x5t: 'A'.repeat(27) },
      { crit: ['exp'], exp: 1 },
      { crit: [] },
      { b64: false },
      { b64: false, crit: ['b64'] },
      { zip: 'DEF' },
      { cty: 'JWT' },
      { enc: 'A256GCM' },
      { epk: ownJwk },
      { nonce: 1 },
    ]),
  }),
  (h, random) => ({
    ...h,
    typ: random.pick<unknown>([
      ...['JWT', 'jwt', 'AT+JWT', 'application/at+jwt', 'rt+jwt', 'id+jwt', 'logout+jwt', 'JOSE'],
      ...['', null, ['at+jwt']],
    ]),
  }),
  ({ alg, typ, kid }, random) =>
    random.pick([
      { typ, alg, kid },
      { kid, typ, alg },
      { alg, kid },
    ]),
  (h, random) => random.pick<unknown>([null, [], [h], '', 1, {}, h.alg, `${JSON.stringify(h)}`]),
];

/** The same members in another spelling, or members twice. */
function respell(text: string, random: Random): string {
  return random.pick<(text: string) => string>([
    (t) => t.replaceAll(',', ', '),
    (t) => ` ${t}`,
    (t) => `${t}\n`,
    (t) => `\ufeff${t}`,
    (t) => t.replace('{', '{"alg":"none",'),
    (t) => t.replace(/\}$/, ',"alg":"none"}'),
    (t) => t.replace(/\}$/, ',"sub":"admin"}'),
    (t) => t.replace('{', '{"exp":9999999999,'),
    (t) => t.replace(/"(\w)/, (_, first: string) => `"\\u00${first.charCodeAt(0).toString(16)}`),
    (t) => t.replaceAll('"', "'"),
    (t) => `${t}${t}`,
    (t) => Buffer.from(t, 'utf16le').toString('latin1'),
  ])(text);
}

const edges: readonly unknown[] = [
  ...[0, -1, 1, 2 ** 31, 2 ** 53, 1e300, 9_999_999_999, 0.5, -0, null, true, false],
  ...['', 'admin', '0', '9999999999', 'sessionlab', '__proto__', '\0', '*'],
  ...[[], {}, [['a']], { $ne: null }, ['sessionlab', 'other']],
];

function changeClaims(claims: Members, random: Random, { tokens }: Loot): Members {
  const name = random.pick(Object.keys(claims));
  const { [name]: own, ...rest } = claims;
  const other = json(split(random.pick(tokens))[1]);
  return random.pick<() => Members>([
    () => rest,
    () => ({ ...claims, [name]: random.pick(edges) }),
    () => ({ ...claims, [name]: [own] }),
    () => ({ ...claims, [name]: typeof own === 'number' ? own + random.pick([1, -1, 1e6]) : '' }),
    () => ({ ...claims, [name]: other[name] }),
    () => ({ ...claims, [`${name} `]: own, admin: true, nbf: 0 }),
  ])();
}

export const mutations: Readonly<Record<string, Mutation>> = {
  'a bit of the text': (token, random) => {
    const at = random.below(token.length);
    const char = String.fromCharCode(token.charCodeAt(at) ^ (1 << random.below(8)));
    return token.slice(0, at) + char + token.slice(at + 1);
  },
  'a bit of what it encodes': (token, random) => {
    const parts = split(token);
    const part = random.below(3);
    const bytes = decode(parts[part] ?? '');
    const at = random.below(bytes.length);
    bytes[at] = (bytes[at] ?? 0) ^ (1 << random.below(8));
    return parts.with(part, encode(bytes)).join('.');
  },
  'characters put in, taken out, repeated': (token, random) => {
    const [at, count] = [random.below(token.length), random.below(6)];
    const put = Array.from({ length: random.below(6) }, () => random.pick([...alphabet, '.'])).join(
      '',
    );
    return token.slice(0, at) + put + token.slice(at + count);
  },
  'parts of several tokens': (token, random, { tokens }) =>
    split(token)
      .map((part, at) => (random.below(2) === 0 ? part : split(random.pick(tokens))[at]))
      .join('.'),
  'another header': (token, random, loot) => {
    const [header, payload] = split(token);
    const other = encode(
      JSON.stringify(random.pick(headerChanges)(json(header), random, loot)) ?? '',
    );
    return `${other}.${payload}.${forge(`${other}.${payload}`, random, loot)}`;
  },
  'another spelling of a part': (token, random, loot) => {
    const parts = split(token);
    const part = random.below(2);
    const other = parts.with(part, encode(respell(decode(parts[part] ?? '').toString(), random)));
    if (random.below(2) === 0) return other.join('.');
    const input = other.slice(0, 2).join('.');
    return `${input}.${forge(input, random, loot)}`;
  },
  'other claims': (token, random, loot) => {
    const [header, payload, signature] = split(token);
    const claims = changeClaims(json(payload), random, loot);
    const input = `${header}.${encode(JSON.stringify(claims))}`;
    return `${input}.${random.below(2) === 0 ? signature : forge(input, random, loot)}`;
  },
  'another signature': (token, random, loot) => {
    const [header, payload] = split(token);
    return `${header}.${payload}.${forge(`${header}.${payload}`, random, loot)}`;
  },
  'numbers of the signature': (token, random) => {
    const [header, payload, signature] = split(token);
    const bytes = decode(signature);
    const big = (hex: string) => BigInt(`0x${hex || '0'}`);
    const put = (number: bigint) =>
      Buffer.from((number % 2n ** 256n).toString(16).padStart(64, '0'), 'hex');
    const [r, s] = [bytes.subarray(0, 32), bytes.subarray(32)];
    const order = random.pick([p256Order, ed25519Order]);
    const number = big(s.toString('hex'));
    const little = big(Buffer.from(s).reverse().toString('hex'));
    const edge = put(random.pick([0n, 1n, order, order - 1n, order + 1n, 2n ** 256n - 1n]));
    const other = random.pick([
      [r, put(order > number ? order - number : number - order)],
      [r, put(number + order)],
      [r, put(little + order).reverse()],
      [edge, s],
      [r, edge],
      [edge, edge],
      [s, r],
      [Buffer.of(0), r, s],
      [r],
    ]);
    return `${header}.${payload}.${encode(Buffer.concat(other))}`;
  },
  'bits that base64url leaves over': (token, random) => {
    const parts = split(token);
    const part = random.below(3);
    const text = parts[part] ?? '';
    const last = alphabet.indexOf(text.slice(-1)) ^ (1 + random.below(3));
    return parts.with(part, text.slice(0, -1) + alphabet[last]).join('.');
  },
  'another serialization': (token, random) => {
    const [header, payload, signature] = split(token);
    const flat = { protected: header, payload, signature };
    return random.pick([
      JSON.stringify(flat),
      JSON.stringify({ payload, signatures: [flat] }),
      `${token}.`,
      `.${token}`,
      `${header}.${payload}`,
      `${header}.${payload}.`,
      `${header}..${signature}`,
      `.${payload}.${signature}`,
      `${token}.${signature}`,
      `${header}.${payload}.${signature}.${payload}.${signature}`,
      '..',
      payload,
    ]);
  },
  'another spelling of the whole': (token, random) => {
    const at = random.below(token.length);
    const blank = random.pick([' ', '\t', '\n', '\r\n', '\0', '=', '%2E', '\u200b', '\ufeff', ',']);
    return random.pick([
      token.slice(0, at) + blank + token.slice(at),
      `${blank}${token}`,
      `${token}${blank}`,
      `${token}${'='.repeat(1 + random.below(3))}`,
      token
        .replaceAll('-', '+')
        .replaceAll('_', '/')
        .concat(token.includes('-') ? '' : '='),
      token.replaceAll('.', random.pick(['%2e', '\uff0e', ' ', ':', '..'])),
      token.toUpperCase(),
      token.toLowerCase(),
      encodeURIComponent(`"${token}"`),
      `${token}, Bearer ${token}`,
      `Bearer ${token}`,
    ]);
  },
  'more than a token may hold': (token, random, loot) => {
    const [header, payload, signature] = split(token);
    const stuff = 'x'.repeat(4_096 + random.below(4_096));
    return random.pick<() => string>([
      () => `${header}.${payload}${stuff}.${signature}`,
      () => `${header}.${payload}.${signature}${stuff}`,
      () => {
        const claims = { ...json(payload), data: { stuff } };
        const input = `${header}.${encode(JSON.stringify(claims))}`;
        return `${input}.${forge(input, random, loot)}`;
      },
      () => `${encode(JSON.stringify({ ...json(header), stuff }))}.${payload}.${signature}`,
      () => `${'a.'.repeat(2_100)}${token}`,
    ])();
  },
};
