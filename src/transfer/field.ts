// What a frame is made of: numbers, texts, digests, bytes; how each is read and written, and how
// many bytes it may have. A field is read out of a payload that has arrived, and never beyond its
// end. Reading throws malformed-frame; writing asserts, for what is written is our own.

import assert from 'node:assert/strict';
import { OperatingError } from '../core/errors.ts';

/** T is undefined for what is always the same, and so in no value. */
export interface Field<T> {
  readonly bytesMin: number;
  readonly bytesMax: number;
  read(cursor: Cursor): T;
  /** What is left out is not looked at. */
  write(value: T): Buffer;
}

/** Reads on in a payload that is all there, and never beyond its end. */
export class Cursor {
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

export function unsigned(bytes: 1 | 2 | 4): Field<number> {
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
export const u64: Field<number> = {
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
export const u64OrUnknown: Field<number | null> = {
  ...u64,
  read(cursor) {
    const raw = cursor.take(8);
    return raw.equals(notKnown) ? null : u64.read(new Cursor(raw));
  },
  write: (value) => (value === null ? notKnown : u64.write(value)),
};

/** Ids and digests, as lower-case hex. */
export function hex(bytes: number): Field<string> {
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

export function text(bytesMax: number, allowed = /^/): Field<string> {
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

/** All that is left of the frame, and the payload's own bytes. */
export function remainder(bytesMax: number): Field<Buffer> {
  return {
    bytesMin: 1,
    bytesMax,
    read: (cursor) => cursor.take(cursor.left),
    write: (value) => value,
  };
}

export function oneOf<const T extends string>(names: readonly T[]): Field<T> {
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

export function constant(value: Buffer, otherwise: () => OperatingError): Field<undefined> {
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

export function malformed(detail: string): OperatingError {
  return new OperatingError('malformed-frame', { detail });
}
