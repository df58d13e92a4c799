// The frames of PROTOCOL.md, as a table: what each is made of, in order. Types, limits, encoding and
// decoding are all derived from it. A frame on the wire is its kind (u8), the length of what follows
// (u32) and its fields, big-endian. Which frame may come when is conversation.ts; nothing here
// reads a socket. Decoding throws malformed-frame or unsupported-version and nothing else.

import assert from 'node:assert/strict';
import { OperatingError } from '../core/errors.ts';

export const protocolVersion = 1;
export const headerBytes = 5;
export const dataBytesMax = 256 * 1024;
export const nameBytesMax = 1024;

/** T is undefined for what is always the same, and so in no value. */
interface Field<T> {
  readonly bytesMin: number;
  readonly bytesMax: number;
  read(cursor: Cursor): T;
  /** What is left out is not looked at. */
  write(value: T): Buffer;
}

const malformed = (detail: string) => new OperatingError('malformed-frame', { detail });

/** Reads on in a payload that is all there, and never beyond its end. */
class Cursor {
  readonly #payload: Buffer;
  #at = 0;

  constructor(payload: Buffer) {
    this.#payload = payload;
  }

  take(bytes: number): Buffer {
    if (bytes > this.left) throw malformed('a field goes on beyond the end of its frame');
    this.#at += bytes;
    return this.#payload.subarray(this.#at - bytes, this.#at);
  }

  get left(): number {
    return this.#payload.length - this.#at;
  }
}

function unsigned(bytes: 1 | 2 | 4): Field<number> {
  return {
    bytesMin: bytes,
    bytesMax: bytes,
    read: (cursor) => cursor.take(bytes).readUIntBE(0, bytes),
    write: (value) => {
      const buffer = Buffer.alloc(bytes);
      buffer.writeUIntBE(value, 0, bytes);
      return buffer;
    },
  };
}

/** Sizes, offsets, moments: whole numbers that JavaScript holds exactly. */
const u64: Field<number> = {
  bytesMin: 8,
  bytesMax: 8,
  read(cursor) {
    const value = cursor.take(8).readBigUInt64BE();
    if (value > Number.MAX_SAFE_INTEGER) throw malformed('a number is larger than 2^53 - 1');
    return Number(value);
  },
  write(value) {
    const buffer = Buffer.alloc(8);
    buffer.writeBigUInt64BE(BigInt(value));
    return buffer;
  },
};

const notKnown = Buffer.alloc(8, 0xff);

/** As u64; null (all bits set on the wire) is a number that nobody knows yet. */
const u64OrUnknown: Field<number | null> = {
  ...u64,
  read(cursor) {
    const raw = cursor.take(8);
    return raw.equals(notKnown) ? null : u64.read(new Cursor(raw));
  },
  write: (value) => (value === null ? notKnown : u64.write(value)),
};

/** Ids and digests, as lower-case hex. */
function hex(bytes: number): Field<string> {
  return {
    bytesMin: bytes,
    bytesMax: bytes,
    read: (cursor) => cursor.take(bytes).toString('hex'),
    write: (value) => {
      const buffer = Buffer.from(value, 'hex');
      assert(buffer.length === bytes, `${value} is not ${bytes} bytes in hex`);
      return buffer;
    },
  };
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function text(bytesMax: number, allowed = /^/): Field<string> {
  return {
    bytesMin: 2,
    bytesMax: 2 + bytesMax,
    read: (cursor) => {
      const bytes = cursor.take(2).readUInt16BE();
      if (bytes > bytesMax) throw malformed(`a text is longer than ${bytesMax} bytes`);
      const value = decodedText(cursor.take(bytes));
      if (!allowed.test(value)) throw malformed('a text has characters that it may not have');
      return value;
    },
    write: (value) => {
      const bytes = Buffer.from(value);
      assert(bytes.length <= bytesMax, `a text is longer than ${bytesMax} bytes`);
      const length = Buffer.alloc(2);
      length.writeUInt16BE(bytes.length);
      return Buffer.concat([length, bytes]);
    },
  };
}

function decodedText(bytes: Buffer): string {
  try {
    return utf8.decode(bytes);
  } catch {
    throw malformed('a text is not UTF-8');
  }
}

/** All that is left of the frame. */
const content: Field<Buffer> = {
  bytesMin: 1,
  bytesMax: dataBytesMax,
  read: (cursor) => cursor.take(cursor.left),
  write: (value) => value,
};

function oneOf<const T extends string>(names: readonly T[]): Field<T> {
  return {
    bytesMin: 1,
    bytesMax: 1,
    read: (cursor) => {
      const name = names[cursor.take(1).readUInt8()];
      if (name === undefined) throw malformed('a number stands for nothing');
      return name;
    },
    write: (value) => Buffer.of(names.indexOf(value)),
  };
}

function constant(value: Buffer, otherwise: () => OperatingError): Field<undefined> {
  return {
    bytesMin: value.length,
    bytesMax: value.length,
    read: (cursor) => {
      if (!cursor.take(value.length).equals(value)) throw otherwise();
      return undefined;
    },
    write: () => value,
  };
}

const magic = constant(Buffer.from('SLTP'), () => malformed('this is not the transfer protocol'));
const version = constant(
  Buffer.of(protocolVersion),
  () =>
    new OperatingError('unsupported-version', { detail: `version ${protocolVersion} is spoken` }),
);
const id = hex(16);
const sha256 = hex(32);
const mimeType = text(255);
const userName = text(255);
const fileName = text(nameBytesMax);
const description = {
  file: id,
  bytes: u64,
  sha256,
  storedAt: u64,
  owner: userName,
  type: mimeType,
  name: fileName,
};

const layouts = {
  hello: {
    code: 0x01,
    fields: {
      magic,
      version,
      field: oneOf(['none', 'authorization', 'cookie', 'x-session-id']),
      credential: text(8192, /^[\x20-\x7e]*$/),
    },
  },
  put: {
    code: 0x02,
    fields: { upload: id, bytes: u64OrUnknown, name: fileName, claimedType: mimeType },
  },
  data: { code: 0x03, fields: { offset: u64, content } },
  end: { code: 0x04, fields: { bytes: u64, sha256 } },
  get: { code: 0x05, fields: { file: id, offset: u64 } },
  list: { code: 0x06, fields: {} },
  remove: { code: 0x07, fields: { file: id } },
  share: { code: 0x08, fields: { file: id, user: userName } },
  welcome: {
    code: 0x81,
    fields: { version, idleMs: unsigned(4), fileBytesMax: u64, user: userName },
  },
  have: { code: 0x82, fields: { file: id, offset: u64, sha256 } },
  receipt: { code: 0x83, fields: description },
  entry: { code: 0x84, fields: description },
  listed: { code: 0x85, fields: { count: unsigned(4) } },
  done: { code: 0x86, fields: {} },
  wait: { code: 0x87, fields: {} },
  error: {
    code: 0x88,
    fields: { code: unsigned(2), retryAfterSeconds: unsigned(2), detail: text(1024) },
  },
} as const;

type Layouts = typeof layouts;
export type FrameKind = keyof Layouts;
type Fields<K extends FrameKind> = Layouts[K]['fields'];
type Value<F> = F extends Field<infer T> ? T : never;

export type FrameOf<K extends FrameKind> = { readonly kind: K } & {
  readonly [F in keyof Fields<K> as Value<Fields<K>[F]> extends undefined ? never : F]: Value<
    Fields<K>[F]
  >;
};
export type Frame = { [K in FrameKind]: FrameOf<K> }[FrameKind];

interface Layout {
  readonly kind: FrameKind;
  readonly code: number;
  readonly fields: readonly (readonly [string, Field<unknown>])[];
  readonly bytesMin: number;
  readonly bytesMax: number;
}

function layout(kind: FrameKind): Layout {
  const fields = Object.entries<Field<unknown>>(layouts[kind].fields);
  const sum = (limit: 'bytesMin' | 'bytesMax') =>
    fields.reduce((bytes, [, field]) => bytes + field[limit], 0);
  const { code } = layouts[kind];
  return { kind, code, fields, bytesMin: sum('bytesMin'), bytesMax: sum('bytesMax') };
}

export const frameKinds = Object.keys(layouts) as readonly FrameKind[];
const byKind = Object.fromEntries(frameKinds.map((kind) => [kind, layout(kind)])) as Readonly<
  Record<FrameKind, Layout>
>;
const byCode = new Map(Object.values(byKind).map((each) => [each.code, each]));

export interface Header {
  readonly kind: FrameKind;
  /** Of what follows the header; no more and no less than a frame of the kind can have. */
  readonly bytes: number;
}

/** @throws OperatingError malformed-frame */
export function decodeHeader(header: Buffer): Header {
  const found = byCode.get(header.readUInt8(0));
  if (found === undefined) throw malformed('there is no such frame');
  const bytes = header.readUInt32BE(1);
  if (bytes >= found.bytesMin && bytes <= found.bytesMax) return { kind: found.kind, bytes };
  throw malformed(`a ${found.kind} frame cannot have ${bytes} bytes`);
}

/**
 * The content of a data frame is the payload's own bytes, not a copy.
 * @throws OperatingError malformed-frame, unsupported-version
 */
export function decode(kind: FrameKind, payload: Buffer): Frame {
  const cursor = new Cursor(payload);
  const frame: Record<string, unknown> = { kind };
  for (const [name, field] of byKind[kind].fields) {
    const value = field.read(cursor);
    if (value !== undefined) frame[name] = value;
  }
  if (cursor.left > 0) throw malformed(`a ${kind} frame has bytes left over`);
  return frame as unknown as Frame;
}

/** In pieces, to be written one after the other: what is large is not copied. */
export function encode(frame: Frame): readonly Buffer[] {
  const { code, fields } = byKind[frame.kind];
  const values = frame as unknown as Readonly<Record<string, unknown>>;
  const pieces = fields.map(([name, field]) => field.write(values[name]));
  const bytes = pieces.reduce((sum, piece) => sum + piece.length, 0);
  const header = Buffer.alloc(headerBytes);
  header.writeUInt8(code);
  header.writeUInt32BE(bytes, 1);
  const last = frame.kind === 'data' ? pieces.splice(-1) : [];
  return [Buffer.concat([header, ...pieces]), ...last];
}
