// The content of a file that is being written: bytes go to the disk in order while the next arrive
// and while they are hashed. At most two pieces are in memory, one that is written and one that
// waits.

import { createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';

const pieceBytes = 256 * 1024;
/** After so many bytes the disk is told to begin with what it would else do all at the end. */
const settleBytes = 32 * 1024 * 1024;

export class Content {
  /** One settles at a time, of all: it takes a thread, and there are few. */
  static #isSettling = false;
  readonly handle: FileHandle;
  readonly #hash = createHash('sha256');
  #end = 0;
  #settledTo = 0;
  #settled: Promise<void> = Promise.resolve();
  /** Rejects with the first failure, and stays so. */
  #written: Promise<void> = Promise.resolve();

  constructor(handle: FileHandle) {
    this.handle = handle;
  }

  /** How many bytes there are, those on their way to the disk included. */
  get bytes(): number {
    return this.#end;
  }

  /** Of all bytes so far: 64 hex digits. */
  get sha256(): string {
    return this.#hash.copy().digest('hex');
  }

  /** Finds what is there already, and goes on behind it. */
  async readThrough(signal: AbortSignal): Promise<void> {
    const piece = Buffer.allocUnsafe(4 * pieceBytes);
    for (let isEnd = false; !isEnd && !signal.aborted; ) {
      const { bytesRead } = await this.handle.read(piece, 0, piece.length, this.#end);
      this.#hash.update(piece.subarray(0, bytesRead));
      this.#end += bytesRead;
      isEnd = bytesRead === 0;
    }
  }

  /** Resolves when the bytes given before are with the system; these are on their way. */
  write(bytes: Buffer): Promise<void> {
    const before = this.#written;
    const at = this.#end;
    this.#end += bytes.length;
    this.#written = before.then(() => this.#writeAll(bytes, at));
    this.#written.catch(() => undefined);
    this.#hash.update(bytes);
    if (this.#end - this.#settledTo >= settleBytes && !Content.#isSettling) this.#settle();
    return before;
  }

  /** Resolves when all bytes are with the system. */
  flush(): Promise<void> {
    return this.#written;
  }

  /** Resolves when all bytes are durable. After a failure nobody knows what is on the disk. */
  async sync(): Promise<void> {
    await this.#settled;
    await this.handle.sync();
  }

  /** Whether an early sync has failed, which a later one would not tell. */
  async isLost(): Promise<boolean> {
    return this.#settled.then(
      () => false,
      () => true,
    );
  }

  #settle(): void {
    Content.#isSettling = true;
    this.#settledTo = this.#end;
    const settling = this.handle.datasync().finally(() => {
      Content.#isSettling = false;
    });
    this.#settled = Promise.all([this.#settled, settling]).then(() => undefined);
    this.#settled.catch(() => undefined);
  }

  async #writeAll(bytes: Buffer, at: number): Promise<void> {
    for (let done = 0; done < bytes.length; ) {
      const left = bytes.length - done;
      done += (await this.handle.write(bytes, done, left, at + done)).bytesWritten;
    }
  }
}
