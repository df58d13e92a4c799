// The disk's side of a log: bytes go in whole and durable, or not at all. After a failure nobody
// knows what of them is on the disk, so before the next attempt all that was not acknowledged is
// cut off, and written again: a second fsync alone would not bring back what the first one lost.

import { mkdirSync } from 'node:fs';
import { type FileHandle, open, stat } from 'node:fs/promises';
import { syncFolder } from '../core/durable-folder.ts';
import { segmentAt } from './segments.ts';
import { lockLog } from './writer-lock.ts';

export interface OpenedLog {
  readonly folder: string;
  readonly lock: Disposable;
  /** Of the newest segment, with its number and its size. */
  readonly handle: FileHandle;
  readonly segment: number;
  readonly bytes: number;
}

/** The newest segment. Who calls waits for each call before the next. */
export class LogFile implements AsyncDisposable {
  readonly #folder: string;
  readonly #bytesMax: number;
  #lock: Disposable;
  #handle: FileHandle;
  #segment: number;
  #end: number;
  #isClean = true;

  constructor(opened: OpenedLog, bytesMax: number) {
    this.#folder = opened.folder;
    this.#lock = opened.lock;
    this.#handle = opened.handle;
    this.#segment = opened.segment;
    this.#end = opened.bytes;
    this.#bytesMax = bytesMax;
  }

  /** The number of the newest segment. */
  get segment(): number {
    return this.#segment;
  }

  /** Resolves when all bytes are durable. */
  async write(bytes: Uint8Array): Promise<void> {
    if (!this.#isClean) await this.#mend();
    if (this.#end >= this.#bytesMax) await this.#next();
    this.#isClean = false;
    for (let done = 0; done < bytes.length; ) {
      const at = this.#end + done;
      done += (await this.#handle.write(bytes, done, bytes.length - done, at)).bytesWritten;
    }
    await this.#handle.datasync();
    // Writing into a file that somebody deleted or moved succeeds, and leaves nothing here.
    if (await this.#isGone()) throw new Error('the segment is not there any more');
    this.#end += bytes.length;
    this.#isClean = true;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#handle.close().catch(() => undefined);
    this.#lock[Symbol.dispose]();
  }

  async #isGone(): Promise<boolean> {
    const there = await stat(segmentAt(this.#folder, this.#segment).file).catch(() => undefined);
    return there?.ino !== (await this.#handle.stat()).ino;
  }

  async #mend(): Promise<void> {
    if (await this.#isGone()) {
      // The lock went with the folder, and another may have begun a log there.
      mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
      this.#lock[Symbol.dispose]();
      this.#lock = lockLog(this.#folder);
      await this.#next();
    } else await this.#handle.truncate(this.#end);
    await syncFolder(this.#folder);
    this.#isClean = true;
  }

  async #next(): Promise<void> {
    const next = segmentAt(this.#folder, this.#segment + 1);
    const handle = await open(next.file, 'wx', 0o600);
    const before = this.#handle;
    [this.#handle, this.#segment, this.#end] = [handle, next.number, 0];
    this.#isClean = false;
    await before.close();
    await syncFolder(this.#folder);
  }
}
