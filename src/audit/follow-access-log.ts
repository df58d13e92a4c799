// Copies what a gateway writes into its access log to a chained log, each line exactly once over
// kills and full disks: the record says where its line came from, so the log itself remembers how
// far it is. It also rotates the file: renames it, has the gateway open a new one, and deletes the
// old one when nothing has been added to it for a while. Nobody else may rotate, truncate or edit
// the file. Of the file nothing is lost that the gateway wrote; what it never wrote is not known.

import { existsSync } from 'node:fs';
import { open, rename, stat, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { syncFolder } from '../core/durable-folder.ts';
import { OperatingError } from '../core/errors.ts';
import type { AccessEntry, AuditLog } from './audit-log.ts';
import { hashOfLine } from './chain.ts';
import { readAccessLine } from './record.ts';

export interface FollowOptions {
  /** Makes the gateway open the file anew, as SIGUSR1 does to nginx. Absent: no rotation. */
  readonly reopen?: () => void | Promise<void>;
  /** The file is rotated when it has grown to this. Default: 64 MiB. */
  readonly sourceBytesMax?: number;
  /** How long a rotated file must be quiet before it is deleted. Default: 5 s. */
  readonly settleMs?: number;
  /** Default: 200 ms. */
  readonly pollMs?: number;
  /** Is told once of each new failure. */
  readonly onTrouble?: (what: string, cause?: unknown) => void;
}

/** Disposing copies what is in the file by then, and leaves the log open. */
export interface Following extends AsyncDisposable {
  /** Resolves when all that the gateway has written by now is in the log. */
  caughtUp(): Promise<void>;
}

/** @param file need not exist yet */
export function followAccessLog(
  file: string,
  log: AuditLog,
  options: FollowOptions = {},
): Following {
  const follower = new Follower(file, log, options);
  follower.begin();
  return follower;
}

const readBytes = 256 * 1024;

interface Read {
  readonly entries: readonly AccessEntry[];
  /** Bytes of the file that are in the log, or will be with these entries. */
  readonly end: number;
  readonly size: number;
}

class Follower implements Following {
  readonly #file: string;
  readonly #rotated: string;
  readonly #log: AuditLog;
  readonly #options: FollowOptions;
  readonly #stopped = new AbortController();
  #work: Promise<boolean> = Promise.resolve(true);
  #polling: Promise<void> | undefined;
  #isInTrouble = false;
  /** How large the rotated file is, and since when; undefined until the gateway was told. */
  #settling: { readonly size: number; readonly sinceMs: number } | undefined;

  constructor(file: string, log: AuditLog, options: FollowOptions) {
    this.#file = file;
    this.#rotated = `${file}.rotated`;
    this.#log = log;
    this.#options = options;
  }

  begin(): void {
    this.#polling = this.#poll();
  }

  async caughtUp(): Promise<void> {
    while (!(await this.#round())) await delay(this.#pollMs);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped.abort();
    await this.#polling;
    await this.#round();
  }

  get #pollMs(): number {
    return this.#options.pollMs ?? 200;
  }

  async #poll(): Promise<void> {
    const { signal } = this.#stopped;
    while (!signal.aborted) {
      await this.#round();
      await delay(this.#pollMs, undefined, { signal }).catch(() => undefined);
    }
  }

  /** One after another. True when everything was copied. */
  #round(): Promise<boolean> {
    this.#work = this.#work.then(async () => {
      try {
        const isDone = await this.#copyAll();
        this.#isInTrouble = false;
        return isDone;
      } catch (cause) {
        this.#trouble(cause);
        return false;
      }
    });
    return this.#work;
  }

  #trouble(cause: unknown): void {
    const isKnown = cause instanceof OperatingError && cause.code === 'audit-unavailable';
    if (!isKnown && !this.#isInTrouble) {
      this.#options.onTrouble?.(`${this.#file} cannot be followed`, cause);
    }
    this.#isInTrouble = true;
  }

  async #copyAll(): Promise<boolean> {
    if (existsSync(this.#rotated)) {
      const size = await this.#copy(this.#rotated);
      if (!(await this.#isSettled(size))) return false;
      await this.#copy(this.#rotated, 'to the end');
      await unlink(this.#rotated);
      // Back after a power cut, it would be copied again.
      await syncFolder(dirname(this.#file));
      this.#settling = undefined;
    }
    if (!existsSync(this.#file)) return true;
    const size = await this.#copy(this.#file);
    const { reopen, sourceBytesMax = 64 * 1024 * 1024 } = this.#options;
    if (reopen !== undefined && size >= sourceBytesMax) await rename(this.#file, this.#rotated);
    return true;
  }

  /** The gateway writes elsewhere now, and nothing was added for a while. */
  async #isSettled(size: number): Promise<boolean> {
    const { reopen, settleMs = 5_000 } = this.#options;
    if (this.#settling === undefined) await reopen?.();
    if (this.#settling?.size !== size) this.#settling = { size, sinceMs: performance.now() };
    const isQuiet = performance.now() - this.#settling.sinceMs >= settleMs;
    return isQuiet && existsSync(this.#file);
  }

  /** Returns the size of the file when the last of it was copied. */
  async #copy(file: string, upTo: 'last whole line' | 'to the end' = 'last whole line') {
    await using handle = await open(file, 'r');
    const name = await nameOf(handle);
    if (name === undefined) return (await stat(file)).size;
    for (;;) {
      const done = await this.#log.copiedTo();
      const from = done?.file === name ? done.end : 0;
      const { entries, end, size } = await readFrom(handle, name, from);
      await this.#log.copy(entries);
      if (entries.length > 0) continue;
      // What a gateway that was killed left unfinished is on record too.
      const isTorn = upTo === 'to the end' && end < size;
      if (isTorn) {
        await this.#log.copy([{ kind: 'access', access: null, source: { file: name, end: size } }]);
      }
      return size;
    }
  }
}

type Handle = Awaited<ReturnType<typeof open>>;

/** The hash of its first line, which no other file has: undefined until that is whole. */
async function nameOf(handle: Handle): Promise<string | undefined> {
  const bytes = await read(handle, 0, 4_096);
  const end = bytes.indexOf(10);
  return end < 0 ? undefined : hashOfLine(bytes.subarray(0, end));
}

async function readFrom(handle: Handle, file: string, from: number): Promise<Read> {
  const bytes = await read(handle, from, readBytes);
  const entries: AccessEntry[] = [];
  let start = 0;
  for (let at = bytes.indexOf(10); at >= 0; at = bytes.indexOf(10, start)) {
    const access = readAccessLine(bytes.toString('utf8', start, at));
    start = at + 1;
    entries.push({ kind: 'access', access, source: { file, end: from + start } });
  }
  return { entries, end: from + start, size: from + bytes.length };
}

/** As many bytes, or more where a line is longer. */
async function read(handle: Handle, from: number, length: number): Promise<Buffer> {
  const { buffer, bytesRead } = await handle.read(Buffer.allocUnsafe(length), 0, length, from);
  const bytes = buffer.subarray(0, bytesRead);
  return bytesRead < length || bytes.includes(10) ? bytes : read(handle, from, length * 4);
}
