// The content of a file that is being written: bytes go to the disk in order while the next arrive
// and while they are hashed. At most two pieces are in memory, one that is written and one that
// waits. All files of the process take turns, piece by piece.

import { createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { inTurn, settling } from './in-turn.ts';

const pieceBytes = 256 * 1024;
/** After so many bytes the disk is told to begin with what it would else do all at the end. */
const settleBytes = 32 * 1024 * 1024;
/** Less than this is soon on the disk. */
const largeBytes = 1024 * 1024;

export class PartContent {
  readonly handle: FileHandle;
  readonly #hash = createHash('sha256');
  #end = 0;
  #settledTo = 0;
  #isSettling = false;
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

  /** Of all bytes that are with the system: 64 hex digits. */
  get sha256(): string {
    return this.#hash.copy().digest('hex');
  }

  /** Finds what is there already, and goes on behind it. */
  async readThrough(signal: AbortSignal): Promise<void> {
    const piece = Buffer.allocUnsafe(4 * pieceBytes);
    const { size } = await this.handle.stat();
    while (this.#end < size && !signal.aborted) {
      await inTurn(this.#end, async () => {
        const { bytesRead } = await this.handle.read(piece, 0, piece.length, this.#end);
        this.#hash.update(piece.subarray(0, bytesRead));
        this.#end += bytesRead;
      });
    }
  }

  /** Resolves when the bytes given before are with the system; these are on their way. */
  write(bytes: Buffer): Promise<void> {
    const before = this.#written;
    const at = this.#end;
    this.#end += bytes.length;
    this.#written = before.then(() => inTurn(at, () => this.#take(bytes, at)));
    this.#written.catch(() => undefined);
    if (!this.#isSettling && this.#unsettledBytes >= settleBytes) this.#settle();
    return before;
  }

  /** Resolves when all bytes are with the system. */
  flush(): Promise<void> {
    return this.#written;
  }

  /** Resolves when so few bytes are left that they are soon durable. */
  async settle(): Promise<void> {
    await this.#settled;
    if (this.#unsettledBytes > largeBytes) this.#settle();
    await this.#settled;
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

  get #unsettledBytes(): number {
    return this.#end - this.#settledTo;
  }

  #settle(): void {
    this.#isSettling = true;
    this.#settledTo = this.#end;
    const settled = settling
      .pass(() => this.handle.datasync())
      .finally(() => {
        this.#isSettling = false;
      });
    this.#settled = Promise.all([this.#settled, settled]).then(() => undefined);
    this.#settled.catch(() => undefined);
  }

  /** It is hashed while it is written. */
  async #take(bytes: Buffer, at: number): Promise<void> {
    const writing = this.#writeAll(bytes, at);
    this.#hash.update(bytes);
    await writing;
  }

  async #writeAll(bytes: Buffer, at: number): Promise<void> {
    for (let done = 0; done < bytes.length; ) {
      const left = bytes.length - done;
      done += (await this.handle.write(bytes, done, left, at + done)).bytesWritten;
    }
  }
}
