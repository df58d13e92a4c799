// The access log: one JSON object in a line for each request. Lines are gathered for a moment
// before they are written; a gateway that is killed loses those. The file is opened for each
// writing, so whoever renames it gets a new one, and a disk that was full is used again when it is
// not; until then lines are kept, as many as memory may hold. None is lost in part, or there twice.

import { open } from 'node:fs/promises';
import type { AccessLine } from '../access-line.ts';

const FLUSH_MS = 50;
const RETRY_MS = 1_000;
const KEPT_BYTES_MAX = 4 * 1024 * 1024;

export interface AccessLog {
  write(line: AccessLine): void;
  /** Resolves when what was written before is in the file as it was, and the file is there. */
  reopen(): Promise<void>;
  /** Resolves when every line is in the file. */
  close(): Promise<void>;
}

export function openAccessLog(file: string | undefined): AccessLog {
  if (file === undefined) {
    return { write: () => undefined, reopen: async () => undefined, close: async () => undefined };
  }
  const log = new Writing(file);
  // It is there from the beginning.
  void log.flush();
  return { write: (line) => log.write(line), reopen: () => log.flush(), close: () => log.flush() };
}

class Writing {
  readonly #file: string;
  #lines: Buffer[] = [];
  #bytes = 0;
  #lost = 0;
  #isInTrouble = false;
  #timer: NodeJS.Timeout | undefined;
  #work: Promise<void> = Promise.resolve();

  constructor(file: string) {
    this.#file = file;
  }

  write(line: AccessLine): void {
    const bytes = Buffer.from(`${JSON.stringify(line)}\n`);
    if (this.#bytes + bytes.length > KEPT_BYTES_MAX) {
      this.#lost += 1;
      return;
    }
    this.#lines.push(bytes);
    this.#bytes += bytes.length;
    this.#flushAfter(FLUSH_MS);
  }

  /** One after another. */
  flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#work = this.#work.then(() => this.#append()).catch((error: Error) => this.#failed(error));
    return this.#work;
  }

  #flushAfter(ms: number): void {
    this.#timer ??= setTimeout(() => void this.flush(), ms);
  }

  async #append(): Promise<void> {
    await using handle = await open(this.#file, 'a', 0o600);
    while (this.#lines.length > 0) {
      const bytes = Buffer.concat(this.#lines);
      this.#lines = [bytes];
      const { bytesWritten } = await handle.write(bytes);
      // What came meanwhile is behind it.
      this.#lines[0] = bytes.subarray(bytesWritten);
      if (bytesWritten === bytes.length) this.#lines.shift();
      this.#bytes -= bytesWritten;
    }
    if (this.#isInTrouble) console.error(`The access log goes on; lines lost: ${this.#lost}`);
    [this.#isInTrouble, this.#lost] = [false, 0];
  }

  /** A full disk takes the log away for a while, not the service. */
  #failed(error: Error): void {
    if (!this.#isInTrouble) console.error(`The access log cannot be written: ${error.message}`);
    this.#isInTrouble = true;
    this.#flushAfter(RETRY_MS);
  }
}
