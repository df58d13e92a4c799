// The bounds of an authority: the only names that a certificate under it may carry (RFC 5280,
// 4.2.1.10). Whoever steals the key of an authority that people trust can then impersonate these
// hosts, and no others. The library has no such extension, so its few bytes are put together here:
//
//   SEQUENCE { [0] { SEQUENCE { base }, SEQUENCE { base }, ... } }
//
// where a base is [2] a host name, with all that end in it, or [7] an address and its mask.

import './reflection.ts';
import { Extension, GeneralName } from '@peculiar/x509';
import { type Name, parseName } from './name.ts';

export const NAME_CONSTRAINTS = '2.5.29.30';

const SEQUENCE = 0x30;
const PERMITTED = 0xa0;
const DNS = 0x82;
const IP = 0x87;

export function nameConstraints(names: readonly Name[]): Extension {
  const subtrees = names.map((name) => element(SEQUENCE, base(name)));
  return new Extension(NAME_CONSTRAINTS, true, element(SEQUENCE, element(PERMITTED, ...subtrees)));
}

/** The names of an extension that `nameConstraints` made. */
export function permittedNames({ value }: Extension): readonly Name[] {
  return [...elements(Buffer.from(value))]
    .flatMap(({ body }) => [...elements(body)])
    .flatMap(({ body }) => [...elements(body)])
    .flatMap(({ body }) => [...elements(body)])
    .flatMap(({ tag, body }) => parseName(tag === IP ? address(body) : body.toString()) ?? []);
}

export function isWithin({ type, value }: Name, permitted: readonly Name[]): boolean {
  const host = value.replace(/^\*\./, '');
  return permitted.some(
    (bound) =>
      bound.type === type &&
      (bound.value === host || (type === 'dns' && host.endsWith(`.${bound.value}`))),
  );
}

function base({ type, value }: Name): Buffer {
  if (type === 'dns') return element(DNS, Buffer.from(value.replace(/^\*\./, '')));
  const [name] = elements(Buffer.from(new GeneralName('ip', value).rawData));
  const bytes = name?.body ?? Buffer.alloc(0);
  return element(IP, bytes, Buffer.alloc(bytes.length, 0xff));
}

function address(bytesAndMask: Buffer): string {
  const bytes = bytesAndMask.subarray(0, bytesAndMask.length / 2);
  if (bytes.length === 4) return bytes.join('.');
  return (bytes.toString('hex').match(/.{4}/g) ?? []).join(':');
}

/** An element of DER with a body of at most 65535 bytes. */
function element(tag: number, ...parts: readonly Buffer[]): Buffer {
  const body = Buffer.concat(parts);
  const { length } = body;
  const long = length > 0xff ? [0x82, length >> 8, length & 0xff] : [0x81, length];
  return Buffer.concat([Buffer.from([tag, ...(length > 0x7f ? long : [length])]), body]);
}

function* elements(bytes: Buffer): Generator<{ readonly tag: number; readonly body: Buffer }> {
  for (let at = 0; at < bytes.length; ) {
    const [tag = 0, first = 0] = bytes.subarray(at, at + 2);
    const lengthBytes = first > 0x7f ? first - 0x80 : 0;
    const start = at + 2 + lengthBytes;
    const length = lengthBytes > 0 ? bytes.readUIntBE(at + 2, lengthBytes) : first;
    yield { tag, body: bytes.subarray(start, start + length) };
    at = start + length;
  }
}
