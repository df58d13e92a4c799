// Frames as bytes: what goes in comes out, and what cannot be a frame is refused with its header.

import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { OperatingError } from '../../src/core/errors.ts';
import {
  dataBytesMax,
  decode,
  decodeHeader,
  encode,
  type Frame,
  type FrameKind,
  frameKinds,
  headerBytes,
} from '../../src/transfer/frame.ts';
import { errorFrame, errorOf, problems } from '../../src/transfer/problems.ts';
import { frames } from './frames.ts';

const any = fc.oneof(...Object.values(frames));
const bytesOf = (frame: Frame) => Buffer.concat(encode(frame));
const decoded = (bytes: Buffer) => decode(decodeHeader(bytes).kind, bytes.subarray(headerBytes));

/** The frame with other content, and the length that it then has. */
function withPayload(bytes: Buffer, payload: Buffer): Buffer {
  const changed = Buffer.concat([bytes.subarray(0, headerBytes), payload]);
  changed.writeUInt32BE(payload.length, 1);
  return changed;
}

function codeOf(act: () => unknown): string {
  try {
    act();
    return 'taken';
  } catch (error) {
    return error instanceof OperatingError ? error.code : String(error);
  }
}

test.each(frameKinds)('a %s frame is decoded as it was encoded', (kind) => {
  fc.assert(
    fc.property(frames[kind], (frame) => {
      expect(decoded(bytesOf(frame))).toEqual(frame);
    }),
  );
});

test('content is never copied, neither in encoding nor in decoding', () => {
  const content = Buffer.alloc(dataBytesMax, 7);
  const [head, tail] = encode({ kind: 'data', offset: 5, content });
  expect(tail).toBe(content);
  const payload = Buffer.concat([head?.subarray(headerBytes) ?? Buffer.alloc(0), content]);
  const frame = decode('data', payload);
  expect(frame).toMatchObject({ offset: 5 });
  if (frame.kind === 'data') expect(frame.content.buffer).toBe(payload.buffer);
});

test('a frame that breaks off anywhere is refused, even when its length says so too', () => {
  const texts = any.filter(({ kind }) => kind !== 'data');
  fc.assert(
    fc.property(texts, fc.nat(), (frame, cut) => {
      const bytes = bytesOf(frame);
      const payload = bytes.subarray(headerBytes);
      fc.pre(payload.length > 0);
      const shorter = withPayload(bytes, payload.subarray(0, cut % payload.length));
      expect(codeOf(() => decoded(shorter))).toBe('malformed-frame');
    }),
  );
  const offsetAlone = withPayload(Buffer.of(3, 0, 0, 0, 0), Buffer.alloc(8));
  expect(codeOf(() => decodeHeader(offsetAlone))).toBe('malformed-frame');
});

test('a frame with a byte too many is refused', () => {
  const closed = any.filter(({ kind }) => kind !== 'data');
  fc.assert(
    fc.property(closed, fc.uint8Array({ minLength: 1, maxLength: 9 }), (frame, more) => {
      const bytes = bytesOf(frame);
      const longer = withPayload(bytes, Buffer.concat([bytes.subarray(headerBytes), more]));
      expect(codeOf(() => decoded(longer))).toBe('malformed-frame');
    }),
  );
});

/** From PROTOCOL.md: number, and fewest and most bytes after the header. */
const sizes: Readonly<Record<FrameKind, readonly [number, number, number]>> = {
  hello: [0x01, 8, 8200],
  put: [0x02, 28, 1307],
  data: [0x03, 9, 262_152],
  end: [0x04, 40, 40],
  get: [0x05, 24, 24],
  list: [0x06, 0, 0],
  remove: [0x07, 16, 16],
  share: [0x08, 18, 273],
  welcome: [0x81, 15, 270],
  have: [0x82, 56, 56],
  receipt: [0x83, 70, 1604],
  entry: [0x84, 70, 1604],
  listed: [0x85, 4, 4],
  done: [0x86, 0, 0],
  wait: [0x87, 0, 0],
  error: [0x88, 6, 1030],
};

test('a length that no frame of the kind can have is refused with the header', () => {
  const edges = fc.constantFrom(0, 1, 7, 8, 9, 0xffff, 2 ** 20, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1);
  const lengths = fc.oneof(edges, fc.nat({ max: 300_000 }), fc.nat({ max: 2 ** 32 - 1 }));
  fc.assert(
    fc.property(fc.nat({ max: 255 }), lengths, (code, length) => {
      const header = Buffer.alloc(headerBytes);
      header.writeUInt8(code);
      header.writeUInt32BE(length, 1);
      const [, row] = Object.entries(sizes).find(([, [number]]) => number === code) ?? [];
      const fits = row !== undefined && length >= row[1] && length <= row[2];
      expect(codeOf(() => decodeHeader(header))).toBe(fits ? 'taken' : 'malformed-frame');
    }),
    { numRuns: 5_000 },
  );
  for (const [kind, [code, ...limits]] of Object.entries(sizes)) {
    for (const bytes of limits) {
      const header = Buffer.of(code, 0, 0, 0, 0);
      header.writeUInt32BE(bytes, 1);
      expect(decodeHeader(header)).toEqual({ kind, bytes });
    }
  }
});

const hello = bytesOf({ kind: 'hello', field: 'cookie', credential: 'session=1' });
const put = (claimedType: string) =>
  bytesOf({ kind: 'put', upload: '0'.repeat(32), bytes: null, name: '', claimedType });

function changed(bytes: Buffer, at: number, ...to: readonly number[]): Buffer {
  const copy = Buffer.from(bytes);
  copy.set(to, at < 0 ? copy.length + at : at);
  return copy;
}

test.each([
  ['another protocol', changed(hello, 5, 0x53, 0x53, 0x48), 'malformed-frame'],
  ['a later version', changed(hello, 9, 2), 'unsupported-version'],
  ['version 0', changed(hello, 9, 0), 'unsupported-version'],
  ['a field that is none', changed(hello, 10, 4), 'malformed-frame'],
  ['a credential that ends its header field', changed(hello, -2, 13, 10), 'malformed-frame'],
  ['a credential with NUL', changed(hello, -1, 0), 'malformed-frame'],
  ['a text with a lone continuation byte', changed(put('a/b'), -1, 0x80), 'malformed-frame'],
  ['a text with a surrogate', changed(put('a/b'), -3, 0xed, 0xa0, 0x80), 'malformed-frame'],
  ['a text with an overlong slash', changed(put('a/b'), -2, 0xc0, 0xaf), 'malformed-frame'],
  ['a text that is longer than the frame', changed(put('a/b'), -5, 0, 4), 'malformed-frame'],
  ['a text that is shorter than the frame', changed(put('a/b'), -5, 0, 2), 'malformed-frame'],
  ['a size of 2^53', changed(put(''), 21, 0, 32, 0, 0, 0, 0, 0, 0), 'malformed-frame'],
  ['a size of 2^64 - 2', changed(put(''), 28, 0xfe), 'malformed-frame'],
] as const)('%s is refused', (_name, bytes, code) => {
  expect(codeOf(() => decoded(bytes))).toBe(code);
});

test('a size of all ones is one that nobody knows, and of 2^53 - 1 the largest', () => {
  expect(decoded(put(''))).toMatchObject({ bytes: null });
  const largest = changed(put(''), 21, 0, 31, 255, 255, 255, 255, 255, 255);
  expect(decoded(largest)).toMatchObject({ bytes: Number.MAX_SAFE_INTEGER });
});

test('a text is what was sent, with its byte order mark and its forms of letters', () => {
  const name = '\ufeffe\u0301\u00e9\u0000\u202e.txt';
  const frame: Frame = { kind: 'share', file: '0'.repeat(32), user: name };
  expect(decoded(bytesOf(frame))).toEqual(frame);
});

test('each problem comes to the client as what it was to the server', () => {
  for (const [number, { code }] of problems) {
    const error = new OperatingError(code, { detail: 'so it is', retryAfterSeconds: 2.5 });
    const frame = decoded(bytesOf(errorFrame(error)));
    expect(frame).toMatchObject({ kind: 'error', code: number, retryAfterSeconds: 3 });
    if (frame.kind === 'error') expect(errorOf(frame)).toMatchObject({ code, detail: 'so it is' });
  }
});

test('of what is not in the table of problems nothing is said', () => {
  const told = [
    new Error('secret'),
    new OperatingError('unfit-key', { detail: 'secret' }),
    'secret',
  ];
  for (const each of told.map(errorFrame)) {
    expect(each.detail).toBe('');
    expect(errorOf(each).code).toBe('internal');
  }
  const unheardOf = errorOf({ kind: 'error', code: 999, retryAfterSeconds: 0, detail: '' });
  expect(unheardOf).toMatchObject({ code: 'internal', definite: false });
});

test('a detail that is too long is cut between two characters', () => {
  const { detail } = errorFrame(
    new OperatingError('not-found', { detail: `1${'😀'.repeat(400)}` }),
  );
  expect(detail).toBe(`1${'😀'.repeat(255)}`);
});

test('PROTOCOL.md knows each frame and each problem by its number', () => {
  const document = readFileSync('src/transfer/PROTOCOL.md', 'utf8');
  const hex = (number: number) => `0x${number.toString(16).padStart(2, '0')}`;
  const missing = [
    ...Object.entries(sizes).map(([kind, [code]]) => `### ${hex(code)} ${kind}`),
    ...[...problems].map(([code, row]) => `| ${code} | \`${row.code}\` |`),
  ].filter((line) => !document.includes(line));
  expect(missing).toEqual([]);
});
