// Looking into a vault: finding the files that are for somebody, and reading them. It writes
// nothing and needs no lock: what is in `files/` is whole.

import assert from 'node:assert';
import type { FileHandle } from 'node:fs/promises';
import { realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { OperatingError } from '../../core/errors.ts';
import type { FileRecord, OpenedFile, ReadableVault, Visitor } from '../vault.ts';
import { Folder, isAbsent } from './folder.ts';
import { inTurn } from './in-turn.ts';
import { inOrder, isFileId, isFor, readRecord, recordFile } from './record.ts';
import { asUnavailable, orUnavailable } from './unavailable.ts';

/** How many are looked at side by side. */
const batch = 64;
/** The clock by which folders are stamped stands still for less than this. */
const momentMs = 1_000;

/** What was read before, by file id. */
export type Known = ReadonlyMap<string, { readonly stamp: string; readonly record: FileRecord }>;

/** All files of a vault. Those that are known and have not changed are not read again. */
export async function readFiles(files: Folder, known: Known): Promise<Known> {
  const ids = (await files.names()).filter(isFileId);
  const found = new Map<string, { stamp: string; record: FileRecord }>();
  const look = async (id: string) => {
    const stamp = await files.fileStamp(id, recordFile);
    if (stamp === undefined) return;
    const before = known.get(id);
    const record = before?.stamp === stamp ? before.record : await readRecord(files, id);
    if (record) found.set(id, { stamp, record });
  };
  for (let from = 0; from < ids.length; from += batch) {
    await Promise.all(ids.slice(from, from + batch).map(look));
  }
  return found;
}

/** Undefined: it has gone, or its content is not the vault's any more. */
export async function openStored(
  files: Folder,
  record: FileRecord,
): Promise<OpenedFile | undefined> {
  try {
    await using folder = await files.folder(record.id);
    const handle = await folder.file('content', 'read');
    if ((await handle.stat()).size === record.bytes) return new StoredFile(record, handle);
    await handle.close();
    return;
  } catch (cause) {
    if (isAbsent(cause)) return;
    throw cause;
  }
}

class StoredFile implements OpenedFile {
  readonly record: FileRecord;
  readonly #handle: FileHandle;

  constructor(record: FileRecord, handle: FileHandle) {
    this.record = record;
    this.#handle = handle;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#handle.close();
  }

  async fill(piece: Buffer, offset: number): Promise<Buffer> {
    assert(offset >= 0 && offset <= this.record.bytes, 'nothing is asked of beyond the end');
    const bytes = Math.min(piece.length, this.record.bytes - offset);
    for (let at = 0; at < bytes; ) {
      const read = () => this.#handle.read(piece, at, bytes - at, offset + at);
      const { bytesRead } = await orUnavailable(inTurn(offset, read));
      if (bytesRead === 0) {
        const detail = 'The file has been cut short behind the back of the vault.';
        throw new OperatingError('vault-unavailable', { detail });
      }
      at += bytesRead;
    }
    return piece.subarray(0, bytes);
  }
}

export class ReadingVault implements ReadableVault {
  readonly #root: string;
  #known: Known = new Map();
  /** Of the folder, as it was last found. */
  #stamp = '';
  #stampedMs = 0;
  /** Whatever happens after what is known changes the stamp. */
  #isCurrent = false;
  #look: Promise<unknown> = Promise.resolve();
  #next: Promise<void> | undefined;

  constructor(root: string) {
    this.#root = root;
  }

  async list(visitor: Visitor): Promise<readonly FileRecord[]> {
    // Who asks while somebody is looking shares the next look, which sees what is there now.
    this.#next ??= this.#look.then(() => {
      this.#next = undefined;
      const look = this.#lookAgain();
      this.#look = look.catch(() => undefined);
      return look;
    });
    await this.#next;
    const records = [...this.#known.values()].map(({ record }) => record);
    return inOrder(records.filter(isFor(visitor)));
  }

  async open(visitor: Visitor, id: string): Promise<OpenedFile | undefined> {
    if (!isFileId(id)) return;
    return this.#within(async (files) => {
      const record = await readRecord(files, id);
      return record && isFor(visitor)(record) ? openStored(files, record) : undefined;
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {}

  async #lookAgain(): Promise<void> {
    const found = await this.#within(async (files) => {
      const [stamp, nowMs] = [await files.stamp(), performance.now()];
      if (stamp === this.#stamp && this.#isCurrent) return this.#known;
      if (stamp !== this.#stamp) this.#stampedMs = nowMs;
      this.#stamp = stamp;
      this.#isCurrent = false;
      const known = await readFiles(files, this.#known);
      this.#isCurrent = nowMs - this.#stampedMs > momentMs;
      return known;
    });
    this.#known = found ?? new Map();
  }

  /** The folder is looked up each time: whoever writes may not have made it yet. */
  async #within<T>(look: (files: Folder) => Promise<T>): Promise<T | undefined> {
    try {
      await using files = await Folder.open(join(await realpath(this.#root), 'files'));
      return await look(files);
    } catch (cause) {
      if (isAbsent(cause)) return;
      throw asUnavailable(cause);
    }
  }
}
