// Tokens that nobody issued: each a text, made of what an attacker can have, and why it is refused.

import type { AnonymousReason } from '../../src/core/recognition.ts';
import type { Family } from './attack.ts';
import {
  b64,
  by,
  compact,
  headerOf,
  type Loot,
  ours,
  ownJwk,
  publicForms,
  withPart,
} from './forge.ts';

interface Forgery {
  readonly name: string;
  readonly family: Family;
  readonly text: (loot: Loot) => string | readonly string[];
  /** Why a server that takes tokens refuses it; others find that it has not their form. */
  readonly reason: AnonymousReason;
}

function forged(
  family: Family,
  reason: AnonymousReason,
  texts: Readonly<Record<string, Forgery['text']>>,
): Forgery[] {
  return Object.entries(texts).map(([name, text]) => ({ family, reason, name, text }));
}

/** One forgery for each value. */
function each<T>(values: Readonly<Record<string, T>>, text: (loot: Loot, value: T) => string) {
  const entries = Object.entries(values).map(([name, value]) => [
    name,
    (loot: Loot) => text(loot, value),
  ]);
  return Object.fromEntries(entries) as Record<string, (loot: Loot) => string>;
}

const signature = ({ token }: Loot) => token.split('.')[2] ?? '';
const split = ({ token }: Loot) => token.split('.') as [string, string, string];

const algNone = forged('alg none', 'bad-signature', {
  ...each(
    {
      'alg none with a borrowed signature': 'none',
      'alg None': 'None',
      'alg NONE': 'NONE',
      'alg nOnE': 'nOnE',
      'alg none with a NUL behind it': 'none\0',
      'an empty alg': '',
      'alg null': null,
      'alg as a list': ['none', 'EdDSA'],
    },
    (loot, alg) => compact({ ...loot.header, alg }, loot.claims, () => signature(loot)),
  ),
  'no alg at all': ({ header: { alg: _, ...rest }, claims, ed }) =>
    compact(rest, claims, by.ours(ed)),
}).concat(
  forged('alg none', 'malformed', {
    'alg none without a signature': ({ header, claims }) =>
      compact({ ...header, alg: 'none' }, claims, by.nobody),
    'alg none and no kid': ({ claims }) => compact({ alg: 'none' }, claims, by.nobody),
  }),
);

const parts = forged('parts', 'malformed', {
  'a token without its signature': ({ token }) => token.slice(0, token.lastIndexOf('.')),
  'a token with an empty signature': ({ token }) => withPart(token, 2, ''),
  'a token with an empty payload': ({ token }) => withPart(token, 1, ''),
  'a token with an empty header': ({ token }) => withPart(token, 0, ''),
  'a token of nothing but dots': () => ['..', '.', '...', '....'],
  'a token with a dot at an end': ({ token }) => [`${token}.`, `.${token}`],
  'a token with a part more': (loot) => [`${loot.token}.${signature(loot)}`, `${loot.token}.e30`],
  'a token of five parts': ({ token }) => `${token}.${token.split('.').slice(1).join('.')}`,
  'two tokens in one': ({ token }) => [`${token},${token}`, `${token} ${token}`],
}).concat(
  forged('parts', 'bad-signature', {
    'a token with the signature of another': (loot) =>
      withPart(ours(loot, { ...loot.claims, name: 'root' }), 2, signature(loot)),
    'a token with half a signature': (loot) =>
      withPart(loot.token, 2, signature(loot).slice(0, 44)),
    'a token with a signature of zeros': ({ token }) => withPart(token, 2, b64(Buffer.alloc(64))),
  }),
);

const formNames = [
  ...['a JWK', 'a bare JWK', 'PEM', 'PEM without its last line break', 'DER', 'raw bytes'],
  ...['base64url', 'its thumbprint'],
];
const publicHmac = forged(
  'HMAC with a public key',
  'bad-signature',
  Object.fromEntries(
    formNames.map((form) => [
      `HMAC with the public key as ${form}`,
      ({ claims, ed, ec, hmac }: Loot) =>
        [ed, ec].flatMap((key) => {
          const secret = publicForms(key)[form] ?? '';
          const headers = [{ ...headerOf(key), alg: 'HS256' }, headerOf(key), headerOf(hmac)];
          return headers.map((header) => compact(header, claims, by.secret(secret)));
        }),
    ]),
  ),
);

const ownKeys = forged('a key of its own', 'malformed', {
  'the key in the header': ({ header, claims }) =>
    compact({ ...header, jwk: ownJwk }, claims, by.me),
  'the key in the header, without a kid': ({ claims }) =>
    compact({ alg: 'EdDSA', typ: 'at+jwt', jwk: ownJwk }, claims, by.me),
  'a certificate in the header': ({ header, claims }) =>
    compact({ ...header, x5c: [String(ownJwk.x)] }, claims, by.me),
  'the thumbprint of a certificate': ({ header, claims }) =>
    compact({ ...header, x5t: 'A'.repeat(27) }, claims, by.me),
}).concat(
  forged('a key of its own', 'bad-signature', {
    'a key of one’s own under our name for it': ({ header, claims }) =>
      compact(header, claims, by.me),
    'a key of one’s own under its own name': ({ header, claims }) =>
      compact({ ...header, kid: String(ownJwk.x) }, claims, by.me),
  }),
);

const outbound = forged('outbound packets', 'malformed', {
  ...each({ 'a key at a URL': 'jku', 'a certificate at a URL': 'x5u' }, (loot, name) =>
    compact({ ...loot.header, [name]: `${loot.trap}/keys.json` }, loot.claims, by.me),
  ),
}).concat(
  forged('outbound packets', 'bad-signature', {
    'a kid that is a URL': ({ claims, trap }) =>
      compact({ alg: 'EdDSA', typ: 'at+jwt', kid: `${trap}/k` }, claims, by.me),
  }),
);

const kids = forged('kid', 'bad-signature', {
  ...each(
    {
      'kid as a path': '../../../../dev/null',
      'kid as a path of the kernel': '/proc/sys/kernel/ostype',
      'kid as SQL': "x' UNION SELECT 'k' --",
      'kid as a command': '| sleep 5 #',
      'kid __proto__': '__proto__',
      'kid constructor': 'constructor',
      'kid toString': 'toString',
      'an empty kid': '',
      'kid as a number': 0,
      'kid null': null,
    },
    ({ header, claims }, kid) => compact({ ...header, kid }, claims, by.secret('')),
  ),
  'kid as a list': ({ header, claims, ed }) =>
    compact({ ...header, kid: [ed.id] }, claims, by.ours(ed)),
  'kid with a NUL behind it': ({ header, claims, ed }) =>
    compact({ ...header, kid: `${ed.id}\0` }, claims, by.ours(ed)),
  'kid in other letters': ({ header, claims, ed }) =>
    compact({ ...header, kid: ed.id.toLowerCase() }, claims, by.ours(ed)),
  'no kid': ({ claims, ed }) => compact({ alg: 'EdDSA', typ: 'at+jwt' }, claims, by.ours(ed)),
}).concat(
  forged('kid', 'malformed', {
    'kid of 1 KiB': ({ header, claims }) =>
      compact({ ...header, kid: 'k'.repeat(1_024) }, claims, by.me),
  }),
);

export const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
export const bytes32 = (number: bigint) =>
  Buffer.from(number.toString(16).padStart(64, '0'), 'hex');
export const numberIn = (bytes: Buffer) => BigInt(`0x${bytes.toString('hex')}`);

/** A good ES256 token, its two numbers replaced. */
export function respelled(
  { ec, claims }: Loot,
  spell: (r: Buffer, s: Buffer) => readonly Buffer[],
) {
  const token = compact(headerOf(ec), claims, by.ours(ec));
  const bytes = Buffer.from(token.split('.')[2] ?? '', 'base64url');
  const spelled = Buffer.concat(spell(bytes.subarray(0, 32), bytes.subarray(32)));
  return withPart(token, 2, b64(spelled));
}

const der = (number: Buffer) => {
  const sign = (number[0] ?? 0) >= 0x80 ? [0] : [];
  return Buffer.of(2, number.length + sign.length, ...sign, ...number);
};
const ecdsa = forged('ECDSA values', 'bad-signature', {
  ...each<(r: Buffer, s: Buffer) => readonly Buffer[]>(
    {
      'r and s zero': () => [bytes32(0n), bytes32(0n)],
      'r zero': (_, s) => [bytes32(0n), s],
      's zero': (r) => [r, bytes32(0n)],
      'r and s one': () => [bytes32(1n), bytes32(1n)],
      'r the order': (_, s) => [bytes32(order), s],
      's the order': (r) => [r, bytes32(order)],
      'r and s all ones': () => [Buffer.alloc(32, 255), Buffer.alloc(32, 255)],
      'the twin n - s': (r, s) => [r, bytes32(order - numberIn(s))],
      'r and s exchanged': (r, s) => [s, r],
      'a zero before r': (r, s) => [Buffer.of(0), r, s],
      'r without its first byte': (r, s) => [r.subarray(1), s],
      'the DER form': (r, s) => [Buffer.of(48, der(r).length + der(s).length), der(r), der(s)],
    },
    respelled,
  ),
});

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
/** The same bytes: of the last character some bits count for nothing. */
function otherTail(part: string): string {
  const last = alphabet.indexOf(part.slice(-1));
  return part.slice(0, -1) + alphabet[last ^ 1];
}

const base64 = forged('base64', 'malformed', {
  'the unused bits of the signature set': (loot) =>
    withPart(loot.token, 2, otherTail(signature(loot))),
  'the unused bits of the payload set, and signed': ({ ed, claims }) => {
    const payloads = ['', ' ', '  '].map((pad) =>
      b64(JSON.stringify({ ...claims, name: `x${pad}` })),
    );
    const stray = payloads.find((payload) => payload.length % 4 !== 0) ?? '';
    const input = `${b64(headerOf(ed))}.${otherTail(stray)}`;
    return `${input}.${b64(ed.sign(input))}`;
  },
  'padding behind a part': (loot) => {
    const [header, payload, tail] = split(loot);
    return [`${loot.token}==`, `${header}=.${payload}.${tail}`, `${header}.${payload}=.${tail}`];
  },
  'the other alphabet': (loot) =>
    withPart(loot.token, 2, b64(Buffer.alloc(64, 251)).replaceAll('-', '+').replaceAll('_', '/')),
  'blanks within': ({ token }) => [token.replace('.', ' .'), token.replace('.', '.\t')],
  'dots written as %2E': ({ token }) => token.replaceAll('.', '%2E'),
  'quotes around': ({ token }) => `"${token}"`,
});

const serializations = forged('serializations', 'malformed', {
  'the flattened JSON form': (loot) => {
    const [header, payload, tail] = split(loot);
    return JSON.stringify({ protected: header, payload, signature: tail });
  },
  'the general JSON form': (loot) => {
    const [header, payload, tail] = split(loot);
    return JSON.stringify({ payload, signatures: [{ protected: header, signature: tail }] });
  },
  'a payload that is not encoded (b64: false)': ({ header, ed }) => {
    const input = `${b64({ ...header, b64: false, crit: ['b64'] })}.{"sub":"root"}`;
    return `${input}.${b64(ed.sign(input))}`;
  },
  'a detached payload': (loot) => `${split(loot)[0]}..${signature(loot)}`,
  'an encrypted token (JWE)': ({ hmac }) =>
    [
      b64({ alg: 'dir', enc: 'A256GCM', kid: hmac.id }),
      '',
      b64('nonce-nonce-'),
      b64('x'),
      b64('t'),
    ].join('.'),
  'a password-based JWE that asks for a billion rounds': () => {
    const header = { alg: 'PBES2-HS256+A128KW', enc: 'A128GCM', p2c: 1_000_000_000, p2s: 'AAAA' };
    return [b64(header), b64('k'), b64('nonce-nonce-'), b64('x'), b64('t')].join('.');
  },
  'a compressed JWE': () =>
    [b64({ alg: 'dir', enc: 'A256GCM', zip: 'DEF' }), '', b64('n'), b64('x'), b64('t')].join('.'),
}).concat(
  forged('serializations', 'wrong-claims', {
    'a token within a token': (loot) => ours(loot, loot.token),
  }),
);

const crit = forged('crit', 'bad-signature', {
  ...each(
    {
      'crit with a name that is known': ['exp'],
      'crit with nothing in it': [],
      'crit with a name of one’s own': ['x'],
    },
    ({ ed, claims }, names) =>
      compact({ alg: 'EdDSA', kid: ed.id.slice(0, 9), crit: names }, claims, by.ours(ed)),
  ),
}).concat(
  forged('crit', 'malformed', {
    'crit behind our own header': ({ header, claims, ed }) =>
      compact({ ...header, crit: ['exp'], exp: 1 }, claims, by.ours(ed)),
  }),
);

const otherTypes = forged('type confusion', 'bad-signature', {
  ...each(
    {
      'typ JWT': 'JWT',
      'no typ': undefined,
      'typ of a refresh token': 'rt+jwt',
      'typ of an identity token': 'id+jwt',
      'typ of a logout token': 'logout+jwt',
      'typ in capitals': 'AT+JWT',
      'typ as a media type': 'application/at+jwt',
    },
    ({ header, claims, ed }, typ) => compact({ ...header, typ }, claims, by.ours(ed)),
  ),
});

const audiences = forged('audience and issuer', 'wrong-claims', {
  ...each<Record<string, unknown>>(
    {
      'aud of another service': { aud: 'another' },
      'aud as a list of us': { aud: ['sessionlab'] },
      'aud as a list of us and others': { aud: ['another', 'sessionlab'] },
      'aud that begins like ours': { aud: 'sessionlab.evil.example' },
      'aud in other letters': { aud: 'SessionLab' },
      'an empty aud': { aud: '' },
      'no aud': { aud: undefined },
      'iss of another': { iss: 'https://evil.example' },
      'iss as a list': { iss: ['sessionlab'] },
      'no iss': { iss: undefined },
    },
    (loot, changed) => ours(loot, { ...loot.claims, ...changed }),
  ),
});

const seconds = () => Math.floor(Date.now() / 1000);
const times = forged('times', 'wrong-claims', {
  ...each<() => Record<string, unknown>>(
    {
      'no exp': () => ({ exp: undefined }),
      'exp as a text': () => ({ exp: `${seconds() + 60}` }),
      'exp with a fraction': () => ({ exp: seconds() + 60.5 }),
      'a negative exp': () => ({ exp: -1 }),
      'exp zero': () => ({ exp: 0 }),
      'exp beyond all integers': () => ({ exp: 2 ** 60 }),
      'exp in a hundred years': () => ({ exp: seconds() + 3_153_600_000 }),
      'no iat': () => ({ iat: undefined }),
      'iat after exp': () => ({ iat: seconds() + 86_400 }),
      'iat and use in an hour': () => ({
        ...{ iat: seconds() + 3_600, exp: seconds() + 3_660, sla: (seconds() + 3_600) * 1000 },
        sxa: (seconds() + 40_000) * 1000,
      }),
      'an nbf that we never write': () => ({ nbf: seconds() + 3_600 }),
      'no session': () => ({ sid: undefined }),
      'no jti': () => ({ jti: undefined }),
    },
    (loot, changed) => ours(loot, { ...loot.claims, ...changed() }),
  ),
  'exp as 1e400': (loot) =>
    ours(loot, JSON.stringify(loot.claims).replace(/"exp":\d+/, '"exp":1e400')),
}).concat(
  forged('times', 'expired', {
    'a token of an hour ago': (loot) => {
      const then = seconds() - 3_600;
      const clocks = { sca: then * 1000, sla: then * 1000, saa: then * 1000, sra: then * 1000 };
      return ours(loot, { ...loot.claims, iat: then, exp: then + 60, ...clocks });
    },
    'a token that has just ended': (loot) => {
      const then = seconds() - 60;
      return ours(loot, { ...loot.claims, iat: then, exp: then + 60, sla: then * 1000 });
    },
  }),
);

const json = ({ claims }: Loot) => JSON.stringify(claims);
const duplicates = forged('duplicate members', 'wrong-claims', {
  'sub twice': (loot) => ours(loot, json(loot).replace(/\}$/, ',"sub":"root"}')),
  'exp twice': (loot) => ours(loot, json(loot).replace('{', '{"exp":9999999999,')),
  'a name twice, once with an escape': (loot) =>
    ours(loot, json(loot).replace('{', '{"\\u0073ub":"root",')),
  'a member __proto__': (loot) =>
    ours(loot, json(loot).replace('{', '{"__proto__":{"sub":"root"},')),
  'a member more': (loot) => ours(loot, { ...loot.claims, admin: true, role: 'admin' }),
}).concat(
  forged('duplicate members', 'bad-signature', {
    'alg twice': ({ header, claims, ed }) =>
      compact(JSON.stringify(header).replace('{', '{"alg":"none",'), claims, by.ours(ed)),
  }),
);

const encodings = forged('encodings', 'wrong-claims', {
  'claims in UTF-16': (loot) => ours(loot, Buffer.from(json(loot), 'utf16le')),
  'claims behind a byte order mark': (loot) => ours(loot, `\ufeff${json(loot)}`),
  'claims that are no UTF-8': (loot) =>
    ours(loot, Buffer.concat([Buffer.from(json(loot)), Buffer.of(0xff, 0xfe)])),
  'claims with blanks': (loot) => ours(loot, json(loot).replaceAll(',', ', ')),
  'claims with other escapes': (loot) => ours(loot, json(loot).replace('mallory', '\\u006dallory')),
  'claims that are no object': (loot) =>
    ['null', '[]', '7', '"x"', ''].map((text) => ours(loot, `${text} `)),
}).concat(
  forged('encodings', 'bad-signature', {
    'a short header with blanks': ({ claims, ed }) =>
      compact(`{ "alg":"EdDSA","kid":"${ed.id}" }`, claims, by.ours(ed)),
    'a header in UTF-16': ({ claims, ed }) =>
      compact(Buffer.from('{"alg":"EdDSA"}', 'utf16le'), claims, by.ours(ed)),
  }),
);

const nest = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);
const depths = forged('depth', 'wrong-claims', {
  'claims nested a thousand deep': (loot) => ours(loot, nest(1_000)),
  'a claim nested five hundred deep': (loot) =>
    ours(loot, json(loot).replace(/"sub":"[^"]*"/, `"sub":${nest(500)}`)),
}).concat(
  forged('depth', 'malformed', {
    'a header nested a thousand deep': ({ claims, ed }) =>
      compact(nest(1_000), claims, by.ours(ed)),
  }),
);

const sizes = forged('sizes', 'malformed', {
  'a signed token of a byte too many': (loot) => {
    const pad = (chars: number) => ours(loot, { ...loot.claims, data: { a: 'x'.repeat(chars) } });
    let at = Math.floor(((4_096 - pad(0).length) * 3) / 4) - 3;
    while (pad(at).length <= 4_096) at += 1;
    return pad(at);
  },
  'a token of 8 KiB': ({ token }) => token + 'x'.repeat(8_192),
  'a token of one character': () => ['x', '.', '-'],
  'a thousand parts': () => 'x.'.repeat(1_000),
});

const retiredKeys = forged('retired keys', 'bad-signature', {
  'a key that was ours': ({ retired, claims }) =>
    compact(headerOf(retired), claims, by.ours(retired)),
  'a key that was ours, under the name of one that is': ({ retired, header, claims }) =>
    compact(header, claims, by.ours(retired)),
  'one of our keys under the name of another': ({ ed, ec, hmac, claims }) => [
    compact(headerOf(ed), claims, by.ours(ec)),
    compact(headerOf(ec), claims, by.ours(ed)),
    compact(headerOf(hmac), claims, by.ours(ed)),
    compact({ ...headerOf(ec), alg: 'EdDSA' }, claims, by.ours(ec)),
    compact({ ...headerOf(ed), alg: 'HS256' }, claims, by.ours(hmac)),
  ],
});

export const forgeries: readonly Forgery[] = [
  ...[...algNone, ...parts, ...publicHmac, ...ownKeys, ...outbound, ...kids, ...ecdsa, ...base64],
  ...[...serializations, ...crit, ...otherTypes, ...audiences, ...times, ...duplicates],
  ...[...encodings, ...depths, ...sizes, ...retiredKeys],
];
