// What is read of a file to tell its type, so that 10 GiB cost no more than 1 MiB: all of a small
// file, and 16 windows of a large one, evenly spread from its beginning to its end, always the same
// ones. Text is what is text in every window; what stands between them is not looked at.

import type { FileHandle } from 'node:fs/promises';

const wholeBytesMax = 1024 * 1024;
const windowCount = 16;
const windowBytes = wholeBytesMax / windowCount;
const signatureBytesMax = 8 * 1024 * 1024;
const signatureReadsMax = 16_384;

export async function windowsOf(file: FileHandle, size: number): Promise<readonly Buffer[]> {
  if (size <= wholeBytesMax) return [await readAt(file, 0, size)];
  const windows: Buffer[] = [];
  for (let at = 0; at < windowCount; at += 1) {
    // At multiples of 2, so that no unit of UTF-16 is cut; the last one ends with the file.
    const position = Math.floor(((size - windowBytes) * at) / (windowCount - 1) / 2) * 2;
    windows.push(
      await readAt(file, position, at === windowCount - 1 ? windowBytes + 1 : windowBytes),
    );
  }
  return windows;
}

/**
 * The file as file-type reads it: here and there, in small parts. A hostile file can make that many
 * parts, so there is an end to them, counted and not timed: a busy machine must not change a type.
 */
export class BoundedFile extends Blob {
  /** What went wrong in reading, if anything. */
  failure: Error | undefined;
  override readonly size: number;
  readonly #file: FileHandle;
  #bytesLeft = signatureBytesMax;
  #readsLeft = signatureReadsMax;

  constructor(file: FileHandle, size: number) {
    super([]);
    this.#file = file;
    this.size = size;
  }

  override slice(start = 0, end = this.size): Blob {
    const part = new Blob([]);
    part.arrayBuffer = () => this.#read(start, end - start);
    return part;
  }

  async #read(position: number, length: number): Promise<ArrayBuffer> {
    this.#bytesLeft -= length;
    this.#readsLeft -= 1;
    if (this.#bytesLeft < 0 || this.#readsLeft < 0)
      throw new RangeError('There is no end of its parts');
    try {
      const bytes = await readAt(this.#file, position, length);
      return new Uint8Array(bytes).buffer;
    } catch (error) {
      this.failure = error instanceof Error ? error : new Error(String(error));
      throw error;
    }
  }
}

async function readAt(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const bytes = Buffer.alloc(length);
  let filled = 0;
  while (filled < length) {
    const { bytesRead } = await file.read(bytes, filled, length - filled, position + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return bytes.subarray(0, filled);
}
