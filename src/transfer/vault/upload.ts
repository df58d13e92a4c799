// An upload under way, and one that turns out to be stored already. Whatever becomes of it, its
// handles are closed and its turn is finished; what is not committed stays as a part.

import assert from 'node:assert';
import { OperatingError } from '../../core/errors.ts';
import { type MismatchPolicy, typeToStore } from '../mime.ts';
import type { FileRecord, Upload } from '../vault.ts';
import type { PartContent } from './content.ts';
import type { Folder } from './folder.ts';
import { writeRecord } from './record.ts';
import type { Turn } from './turns.ts';
import { asUnavailable, isSystemError, orUnavailable } from './unavailable.ts';

/** What the vault knows of an upload, and does for it. */
export interface Work {
  readonly turn: Turn;
  readonly folder: Folder;
  readonly content: PartContent;
  /** What its record will say, as far as it is known. */
  readonly draft: Omit<FileRecord, 'type' | 'bytes' | 'sha256' | 'storedAt'>;
  readonly claimedType: string;
  readonly declaredBytes: number | null;
  readonly fileBytesMax: number;
  readonly mismatch: MismatchPolicy;
  now(): number;
  /** @throws OperatingError `quota-exceeded`, `upload-taken-over` */
  takeRoom(bytes: number): Promise<void>;
  /** Makes the part a file. */
  store(record: FileRecord): Promise<void>;
  drop(): Promise<void>;
  /** Unless it is over, it stays as a part. */
  close(isOver: boolean): Promise<void>;
}

export class PartUpload implements Upload {
  readonly id: string;
  readonly offset: number;
  readonly sha256: string;
  readonly #work: Work;
  #committing: Promise<FileRecord> | undefined;
  #closing: Promise<void> | undefined;
  /** It has become a file, or was dropped. */
  #isOver = false;

  constructor(work: Work) {
    this.id = work.draft.id;
    this.offset = work.content.bytes;
    this.sha256 = work.content.sha256;
    this.#work = work;
    const { signal } = work.turn;
    const close = () => void this[Symbol.asyncDispose]();
    if (signal.aborted) close();
    else signal.addEventListener('abort', close);
  }

  async write(bytes: Buffer): Promise<void> {
    const { turn, content, declaredBytes, fileBytesMax, takeRoom } = this.#work;
    turn.check();
    assert(!this.#closing && !this.#committing, 'an upload is over when it is closed or committed');
    const end = content.bytes + bytes.length;
    if (declaredBytes !== null && end > declaredBytes) {
      const detail = `${declaredBytes} bytes were announced, and more came.`;
      throw new OperatingError('upload-conflict', { detail });
    }
    if (end > fileBytesMax) throw tooLarge(fileBytesMax);
    if (declaredBytes === null) await orUnavailable(takeRoom(end));
    await orUnavailable(content.write(bytes));
  }

  commit(sha256: string): Promise<FileRecord> {
    this.#committing ??= this.#commit(sha256);
    return this.#committing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #commit(sha256: string): Promise<FileRecord> {
    const { turn, store } = this.#work;
    turn.keep();
    try {
      const record = await this.#seal(sha256);
      // From here on it is the vault's, whether it becomes a file or does not yet.
      this.#isOver = true;
      await store(record);
      return record;
    } catch (cause) {
      throw asUnavailable(cause);
    } finally {
      this.#closing ??= this.#close();
      await this.#closing;
    }
  }

  /** Content and record are durable, and nobody sees them yet. */
  async #seal(sha256: string): Promise<FileRecord> {
    const { content, folder, draft, claimedType, declaredBytes, mismatch, now } = this.#work;
    await content.flush();
    const { bytes } = content;
    if (declaredBytes !== null && bytes < declaredBytes) {
      const detail = `${declaredBytes} bytes were announced, and ${bytes} came.`;
      throw new OperatingError('upload-conflict', { detail });
    }
    if (content.sha256 !== sha256) throw await this.#dropped(new OperatingError('digest-mismatch'));
    const said = { claim: claimedType, name: draft.name };
    const found = await typeToStore(content.handle, said, mismatch);
    if ('mismatch' in found) {
      throw await this.#dropped(new OperatingError('type-mismatch', { detail: found.mismatch }));
    }
    await content.settle();
    const record = { ...draft, type: found.type, bytes, sha256, storedAt: now() };
    await Promise.all([
      writeRecord(folder, record),
      // What a failed sync leaves nobody knows, and a second one would not tell.
      content.sync().catch(async (cause: unknown) => {
        throw await this.#dropped(cause);
      }),
    ]);
    return record;
  }

  async #dropped(cause: unknown): Promise<unknown> {
    await this.#work.drop();
    this.#isOver = true;
    return cause;
  }

  async #close(): Promise<void> {
    const { turn, content, close } = this.#work;
    try {
      await content.flush().catch(() => undefined);
      if (!this.#isOver && (await content.isLost())) await this.#dropped(undefined);
      await close(this.#isOver);
    } catch (cause) {
      // A part that could not be looked after is found again when the vault is opened.
      if (!isSystemError(cause)) throw cause;
    } finally {
      turn.finish();
    }
  }
}

export class StoredUpload implements Upload {
  readonly stored: FileRecord;

  constructor(stored: FileRecord) {
    this.stored = stored;
  }

  get id(): string {
    return this.stored.id;
  }

  get offset(): number {
    return this.stored.bytes;
  }

  get sha256(): string {
    return this.stored.sha256;
  }

  async write(): Promise<void> {
    throw new OperatingError('upload-conflict', { detail: 'The file is stored already.' });
  }

  async commit(sha256: string): Promise<FileRecord> {
    if (sha256 !== this.sha256) throw new OperatingError('digest-mismatch');
    return this.stored;
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}

export function tooLarge(fileBytesMax: number): OperatingError {
  const detail = `A file may have ${fileBytesMax} bytes.`;
  return new OperatingError('file-too-large', { detail });
}
