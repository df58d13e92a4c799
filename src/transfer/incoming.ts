// Where a client puts what it receives. A file grows under a name of its own beside its place, and
// takes the place when it is whole and on the disk; broken off, it stays there for whoever goes on.
// A stream has seen everything before it was verified: only the end says whether it was right.

import { createHash, type Hash } from 'node:crypto';
import { constants, type Stats } from 'node:fs';
import { type FileHandle, link, lstat, open, rename, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Writable } from 'node:stream';
import { syncFolder } from '../core/durable-folder.ts';
import { OperatingError } from '../core/errors.ts';
import { fileUnavailable } from './outgoing.ts';

export interface Incoming extends AsyncDisposable {
  /** How much is here already, and is not asked for again. */
  readonly offset: number;
  /** Takes the bytes for as long as it is not resolved. */
  write(bytes: Buffer): Promise<void>;
  /** SHA-256, in hex, of all until now. */
  digest(): string;
  /** Forgets what is here. False: it is out of reach. */
  restart(): Promise<boolean>;
  /** The whole is here and right. */
  keep(): Promise<void>;
}

export class IncomingStream implements Incoming {
  readonly #output: Writable;
  readonly #hash = createHash('sha256');
  offset = 0;

  constructor(output: Writable) {
    // Whoever writes is told; a pipe that nobody reads any more ends no process.
    this.#output = output.on('error', () => undefined);
  }

  async write(bytes: Buffer): Promise<void> {
    this.#hash.update(bytes);
    this.offset += bytes.length;
    await new Promise<void>((resolve, reject) => {
      this.#output.write(bytes, (error) => (error ? reject(error) : resolve()));
    }).catch((cause: unknown) => {
      throw fileUnavailable('The output', cause);
    });
  }

  digest(): string {
    return this.#hash.copy().digest('hex');
  }

  async restart(): Promise<boolean> {
    return this.offset === 0;
  }

  async keep(): Promise<void> {}

  async [Symbol.asyncDispose](): Promise<void> {}
}

export class IncomingFile implements Incoming {
  readonly #path: string;
  readonly #part: string;
  readonly #overwrite: boolean;
  readonly #file: FileHandle;
  #hash: Hash = createHash('sha256');
  offset = 0;

  private constructor(path: string, part: string, overwrite: boolean, file: FileHandle) {
    this.#path = path;
    this.#part = part;
    this.#overwrite = overwrite;
    this.#file = file;
  }

  /**
   * Goes on with what an earlier process has received of the same file into the same folder.
   *
   * @throws OperatingError `file-exists`, `file-unavailable`
   */
  static async open(path: string, id: string, overwrite: boolean): Promise<IncomingFile> {
    const there = await statsOf(path);
    if (there?.isDirectory()) throw fileUnavailable(path, 'EISDIR');
    if (!overwrite && there) throw exists(path);
    const part = join(dirname(path), `.${id}.part`);
    const { O_RDWR, O_CREAT, O_NOFOLLOW = 0, O_NONBLOCK = 0 } = constants;
    const flags = O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK;
    const file = await open(part, flags).catch((cause: unknown) => {
      throw fileUnavailable(part, cause);
    });
    const incoming = new IncomingFile(path, part, overwrite, file);
    await incoming.#readPart();
    return incoming;
  }

  async write(bytes: Buffer): Promise<void> {
    const writing = this.#writeAll(bytes, this.offset);
    this.#hash.update(bytes);
    this.offset += bytes.length;
    await writing.catch((cause: unknown) => {
      throw fileUnavailable(this.#part, cause);
    });
  }

  digest(): string {
    return this.#hash.copy().digest('hex');
  }

  async restart(): Promise<boolean> {
    await this.#file.truncate(0);
    this.#hash = createHash('sha256');
    this.offset = 0;
    return true;
  }

  async keep(): Promise<void> {
    await this.#file.sync();
    await this.#takePlace().catch((cause: unknown) => {
      if (!this.#overwrite && codeOf(cause) === 'EEXIST') throw exists(this.#path);
      throw fileUnavailable(this.#path, cause);
    });
    await syncFolder(dirname(this.#path)).catch((cause: unknown) => {
      throw fileUnavailable(this.#path, cause);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const isEmpty = this.offset === 0;
    await this.#file.close();
    if (isEmpty) await unlink(this.#part).catch(() => undefined);
  }

  async #writeAll(bytes: Buffer, offset: number): Promise<void> {
    let written = 0;
    while (written < bytes.length) {
      const left = bytes.length - written;
      const { bytesWritten } = await this.#file.write(bytes, written, left, offset + written);
      written += bytesWritten;
    }
  }

  async #readPart(): Promise<void> {
    const buffer = Buffer.allocUnsafeSlow(256 * 1024);
    try {
      for (;;) {
        const { bytesRead } = await this.#file.read(buffer, 0, buffer.length, this.offset);
        if (bytesRead === 0) return;
        this.#hash.update(buffer.subarray(0, bytesRead));
        this.offset += bytesRead;
      }
    } catch (cause) {
      await this.#file.close();
      throw fileUnavailable(this.#part, cause);
    }
  }

  /** A link takes no place that is taken, which a rename would. */
  async #takePlace(): Promise<void> {
    if (this.#overwrite) return await rename(this.#part, this.#path);
    try {
      await link(this.#part, this.#path);
    } catch (error) {
      if (codeOf(error) === 'EEXIST' || (await statsOf(this.#path))) throw error;
      // Some file systems know no links.
      return await rename(this.#part, this.#path);
    }
    await unlink(this.#part);
  }
}

async function statsOf(path: string): Promise<Stats | undefined> {
  return await lstat(path).catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw fileUnavailable(path, error);
  });
}

function exists(path: string): OperatingError {
  return new OperatingError('file-exists', { detail: `${path} is there already` });
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}
