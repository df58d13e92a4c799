// What a client sends, in pieces and hashed as they leave. A file can be read again from anywhere,
// so it goes on wherever the server has it; a stream only as far back as the last pieces of it,
// which are kept in bounded memory. It opens no connection.

import { createHash, type Hash } from 'node:crypto';
import { constants, type Stats } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { OperatingError } from '../core/errors.ts';
import { dataBytesMax } from './frame.ts';

/** How many pieces of a file are in memory at a time: read ahead, hashed, on their way. */
const buffers = 8;
/** What of a stream is kept for going back: more than two machines' buffers usually hold. */
const keptBytesMax = 16 * 1024 * 1024;
const keptPiecesMax = 4096;
const unsentBytesMax = 2 * 1024 * 1024;

export interface Piece {
  readonly offset: number;
  readonly bytes: Buffer;
  /** To be called once nobody looks at the bytes any more. */
  release(): void;
}

/** Rejects early when it is of no use to wait any longer. */
export type Guard = <T>(work: Promise<T>) => Promise<T>;

export interface Outgoing extends AsyncDisposable {
  /** null: not known before the end. */
  readonly bytes: number | null;
  /**
   * Makes `next` go on at an offset. Resolves to the SHA-256, in hex, of all that is before it;
   * undefined where the input cannot go back so far.
   */
  seek(offset: number): Promise<string | undefined>;
  /** Undefined at the end. The guard stands for the connection, which may break meanwhile. */
  next(guard: Guard): Promise<Piece | undefined>;
  /** How long the whole was, and its SHA-256 in hex. @throws OperatingError `file-unavailable` */
  finish(): Promise<{ readonly bytes: number; readonly sha256: string }>;
}

export class OutgoingFile implements Outgoing {
  readonly path: string;
  readonly stats: Stats;
  readonly #file: FileHandle;
  readonly #free: Buffer[] = [];
  #made = 0;
  readonly #waiting: (() => void)[] = [];
  #hash = createHash('sha256');
  #at = 0;
  #ahead: Promise<Piece | undefined> | undefined;
  /** The last place that was gone to, so that nothing before it need be read again. */
  #mark = { offset: 0, hash: createHash('sha256') };

  private constructor(path: string, file: FileHandle, stats: Stats) {
    this.path = path;
    this.#file = file;
    this.stats = stats;
  }

  /** @throws OperatingError `file-unavailable` for what is no file, or none that can be read. */
  static async open(path: string): Promise<OutgoingFile> {
    // Nobody waits for the other end of a pipe.
    const file = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0)).catch(
      (cause: unknown) => {
        throw fileUnavailable(path, cause);
      },
    );
    const stats = await file.stat();
    if (stats.isFile()) return new OutgoingFile(path, file, stats);
    await file.close();
    throw new OperatingError('file-unavailable', { detail: `${path} is not a file` });
  }

  get bytes(): number {
    return this.stats.size;
  }

  async seek(offset: number): Promise<string | undefined> {
    const ahead = await this.#ahead?.catch(() => undefined);
    ahead?.release();
    this.#ahead = undefined;
    if (offset > this.bytes) return undefined;
    const mark = this.#mark.offset <= offset ? this.#mark : undefined;
    this.#hash = mark?.hash.copy() ?? createHash('sha256');
    this.#at = mark?.offset ?? 0;
    while (this.#at < offset) {
      const piece = await this.#read(offset);
      if (piece === undefined) throw changed(this.path);
      this.#hash.update(piece.bytes);
      piece.release();
    }
    this.#mark = { offset, hash: this.#hash.copy() };
    return this.#hash.copy().digest('hex');
  }

  async next(): Promise<Piece | undefined> {
    const piece = await (this.#ahead ?? this.#read());
    this.#ahead = undefined;
    if (piece === undefined) return undefined;
    if (this.#at < this.bytes) {
      this.#ahead = this.#read();
      this.#ahead.catch(() => undefined);
    }
    this.#hash.update(piece.bytes);
    return piece;
  }

  async finish(): Promise<{ bytes: number; sha256: string }> {
    const { size, mtimeMs } = await this.#file.stat();
    const isSame = size === this.bytes && mtimeMs === this.stats.mtimeMs && this.#at === size;
    if (!isSame) throw changed(this.path);
    return { bytes: size, sha256: this.#hash.copy().digest('hex') };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#ahead?.catch(() => undefined);
    await this.#file.close();
  }

  async #read(end = this.bytes): Promise<Piece | undefined> {
    const buffer = await this.#buffer();
    const offset = this.#at;
    const length = Math.min(buffer.length, end - offset);
    const release = () => {
      this.#free.push(buffer);
      this.#waiting.shift()?.();
    };
    const { bytesRead } = await this.#file
      .read(buffer, 0, length, offset)
      .catch((cause: unknown) => {
        release();
        throw fileUnavailable(this.path, cause);
      });
    this.#at += bytesRead;
    if (bytesRead > 0) return { offset, bytes: buffer.subarray(0, bytesRead), release };
    release();
    return undefined;
  }

  /** Waits while all are on their way: that is all the back-pressure there is. */
  async #buffer(): Promise<Buffer> {
    for (;;) {
      const free = this.#free.pop();
      if (free !== undefined) return free;
      if (this.#made < buffers) {
        this.#made += 1;
        return Buffer.allocUnsafeSlow(Math.min(dataBytesMax, this.bytes + 1));
      }
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }
}

interface Kept {
  readonly offset: number;
  readonly bytes: Buffer;
  /** Of all that was before it. */
  readonly before: Hash;
}

export class OutgoingStream implements Outgoing {
  readonly bytes: number | null;
  readonly #input: AsyncIterator<Uint8Array>;
  readonly #hash = createHash('sha256');
  readonly #kept: Kept[] = [];
  #keptBytes = 0;
  /** How much has been taken from the input. */
  #taken = 0;
  #at = 0;
  #rest: Buffer = Buffer.alloc(0);
  /** One at a time, also when the connection that it was begun for has broken. */
  #taking: Promise<void> | undefined;
  #unsent = 0;
  #onSent: (() => void) | undefined;

  constructor(input: AsyncIterable<Uint8Array>, bytes: number | null) {
    this.#input = input[Symbol.asyncIterator]();
    this.bytes = bytes;
  }

  async seek(offset: number): Promise<string | undefined> {
    this.#at = offset;
    if (offset === this.#taken) return this.#hash.copy().digest('hex');
    const kept = this.#keptAt(offset);
    const before = kept?.bytes.subarray(0, offset - kept.offset);
    return before && kept?.before.copy().update(before).digest('hex');
  }

  async next(guard: Guard): Promise<Piece | undefined> {
    while (this.#unsent >= unsentBytesMax) {
      await new Promise<void>((resolve) => {
        this.#onSent = resolve;
      });
    }
    if (this.#at === this.#taken) {
      this.#taking ??= this.#take().finally(() => {
        this.#taking = undefined;
      });
      await guard(this.#taking);
    }
    const kept = this.#keptAt(this.#at);
    if (kept === undefined) return undefined;
    const offset = this.#at;
    const bytes = kept.bytes.subarray(offset - kept.offset);
    this.#at += bytes.length;
    this.#unsent += bytes.length;
    const release = () => {
      this.#unsent -= bytes.length;
      this.#onSent?.();
    };
    return { offset, bytes, release };
  }

  async finish(): Promise<{ bytes: number; sha256: string }> {
    if (this.bytes !== null && this.bytes !== this.#taken) {
      const detail = `The input has ${this.#taken} bytes where ${this.bytes} were announced`;
      throw new OperatingError('file-unavailable', { detail });
    }
    return { bytes: this.#taken, sha256: this.#hash.copy().digest('hex') };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // Not waited for: where nothing comes any more, the one who reads would wait for ever.
    this.#input.return?.().catch(() => undefined);
  }

  #keptAt(offset: number): Kept | undefined {
    if (offset >= this.#taken) return undefined;
    return this.#kept.findLast((each) => {
      return each.offset <= offset && offset < each.offset + each.bytes.length;
    });
  }

  async #take(): Promise<void> {
    while (this.#rest.length === 0) {
      const { value, done } = await this.#input.next();
      if (done === true) return;
      this.#rest = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
    }
    const bytes = this.#rest.subarray(0, dataBytesMax);
    this.#rest = this.#rest.subarray(bytes.length);
    this.#kept.push({ offset: this.#taken, bytes, before: this.#hash.copy() });
    this.#hash.update(bytes);
    this.#taken += bytes.length;
    this.#keptBytes += bytes.length;
    while (this.#keptBytes > keptBytesMax || this.#kept.length > keptPiecesMax) {
      this.#keptBytes -= this.#kept.shift()?.bytes.length ?? 0;
    }
  }
}

function changed(path: string): OperatingError {
  const detail = `${path} changed while it was being sent: send it again`;
  return new OperatingError('file-unavailable', { detail });
}

/** `file-unavailable`, saying which file and what the system says of it. */
export function fileUnavailable(path: string, cause: unknown): OperatingError {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause);
  return new OperatingError('file-unavailable', {
    detail: `${path}: ${meaning[code] ?? code}`,
    cause,
  });
}

const meaning: Readonly<Record<string, string>> = {
  ENOENT: 'it is not there',
  EACCES: 'this account may not do that',
  EPERM: 'this account may not do that',
  EEXIST: 'it is there, and is no folder',
  EISDIR: 'it is a folder',
  ENOTDIR: 'part of its path is no folder',
  ELOOP: 'it is a link',
  ENOSPC: 'the disk is full',
  EDQUOT: 'the disk quota is used up',
  EROFS: 'the disk is read-only',
  ENAMETOOLONG: 'the name is too long',
  EMFILE: 'too many files are open',
};
