// A folder that is held open: a name is looked up in the very folder that was opened, wherever its
// path leads meanwhile, and no link is followed. On Linux the kernel sees to it: Node knows no
// `openat`, and `/proc/self/fd` is as good. Elsewhere a path is all that Node offers: links that
// are there are refused, one that is put there in the same moment may not be.

import assert from 'node:assert';
import { type BigIntStats, constants } from 'node:fs';
import {
  type FileHandle,
  lstat,
  mkdir,
  open,
  readdir,
  rename,
  rm,
  stat,
  utimes,
} from 'node:fs/promises';
import { join } from 'node:path';
import { syncFolder } from '../../core/durable-folder.ts';

const { O_CREAT, O_DIRECTORY, O_EXCL, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, O_RDWR } = constants;
const holdsOpen = process.platform === 'linux';
const ways = { read: O_RDONLY, change: O_RDWR, create: O_RDWR | O_CREAT | O_EXCL };

class UnfitEntry extends Error {
  readonly code = 'UNFIT';
}

const plainName = /^\w[\w.-]*$/;
const absent = new Set(['UNFIT', 'ENOENT', 'ELOOP', 'ENOTDIR', 'EISDIR', 'ENXIO']);

/** The name stands for nothing, or for nothing that the vault made: a link, a pipe. */
export function isAbsent(cause: unknown): boolean {
  return cause instanceof Error && 'code' in cause && absent.has(String(cause.code));
}

function stampOf({ dev, ino, ctimeNs }: BigIntStats): string {
  return `${dev} ${ino} ${ctimeNs}`;
}

/** Errors of the system are passed on as they are. */
export class Folder implements AsyncDisposable {
  readonly #given: string;
  readonly #handle: FileHandle | undefined;

  private constructor(path: string, handle?: FileHandle) {
    this.#given = path;
    this.#handle = handle;
  }

  static async open(path: string): Promise<Folder> {
    if (holdsOpen) {
      return new Folder(path, await open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
    }
    if (!(await lstat(path)).isDirectory()) throw new UnfitEntry(`${path} is no folder`);
    return new Folder(path);
  }

  folder(name: string): Promise<Folder> {
    return Folder.open(this.#at(name));
  }

  async make(name: string): Promise<void> {
    await mkdir(this.#at(name), 0o700);
  }

  /** A plain file that goes by this name alone. */
  async file(name: string, way: keyof typeof ways): Promise<FileHandle> {
    // Nor does it wait for the other end of what turns out to be a pipe.
    const handle = await open(this.#at(name), ways[way] | O_NOFOLLOW | O_NONBLOCK, 0o600);
    const found = await handle.stat();
    if (found.isFile() && found.nlink === 1) return handle;
    await handle.close();
    throw new UnfitEntry(`${name} is no plain file`);
  }

  names(): Promise<string[]> {
    return readdir(this.#path);
  }

  /** Differs when a name in it has come or gone, or it was touched; but not within a moment. */
  async stamp(): Promise<string> {
    return stampOf(await stat(this.#path, { bigint: true }));
  }

  async touch(): Promise<void> {
    const now = new Date();
    await utimes(this.#path, now, now);
  }

  /** Differs when the file in the folder is another one or has changed; undefined: it is absent. */
  async fileStamp(folder: string, name: string): Promise<string | undefined> {
    assert(plainName.test(name), 'the vault makes its own names');
    try {
      return stampOf(await lstat(join(this.#at(folder), name), { bigint: true }));
    } catch (cause) {
      if (isAbsent(cause)) return;
      throw cause;
    }
  }

  /** Moves what has the name, be it a link, and nothing that it leads to. */
  async move(name: string, to: Folder, newName: string): Promise<void> {
    await rename(this.#at(name), to.#at(newName));
  }

  /** Removes what has the name, with all that is in it. */
  async remove(name: string): Promise<void> {
    await rm(this.#at(name), { recursive: true, force: true });
  }

  /** Makes the names in it durable. */
  async sync(): Promise<void> {
    await (this.#handle?.sync() ?? syncFolder(this.#path));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#handle?.close();
  }

  /** A handle that is closed has the number -1, which leads nowhere. */
  get #path(): string {
    return this.#handle ? `/proc/self/fd/${this.#handle.fd}` : this.#given;
  }

  #at(name: string): string {
    assert(plainName.test(name), 'the vault makes its own names');
    return join(this.#path, name);
  }
}
