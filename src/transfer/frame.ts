// The frames of PROTOCOL.md, as a table: what each is made of, in order. Types, limits, encoding
// and decoding are all derived from it. A frame on the wire is its kind (u8), the length of what
// follows (u32) and its fields, big-endian. Which frame may come when is conversation.ts; nothing
// here reads a socket. Decoding throws malformed-frame or unsupported-version and nothing else.

import { OperatingError } from '../core/errors.ts';
import {
  Cursor,
  constant,
  type Field,
  hex,
  malformed,
  oneOf,
  remainder,
  text,
  u64,
  u64OrUnknown,
  unsigned,
} from './field.ts';

const protocolVersion = 1;
export const headerBytes = 5;
export const dataBytesMax = 256 * 1024;

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
const fileName = text(1024);
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
  data: { code: 0x03, fields: { offset: u64, content: remainder(dataBytesMax) } },
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
