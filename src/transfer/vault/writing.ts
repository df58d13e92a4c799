// The vault of the one process that writes. What is stored and what is under way it knows by heart,
// from looking at the disk once; so it decides without waiting, and what it decided comes true on
// the disk.

import assert from 'node:assert';
import { randomBytes } from 'node:crypto';
import { OperatingError } from '../../core/errors.ts';
import { displayName } from '../display-name.ts';
import type {
  FileRecord,
  OpenedFile,
  Upload,
  UploadRequest,
  Vault,
  VaultOptions,
  Visitor,
} from '../vault.ts';
import { Content } from './content.ts';
import type { Inventory } from './opening.ts';
import type { OpenPart } from './parts.ts';
import { openStored } from './reading.ts';
import { fileId, inOrder, isFor, ownerKey, writeRecord } from './record.ts';
import type { Turn } from './turns.ts';
import { asUnavailable, orUnavailable } from './unavailable.ts';
import { PartUpload, StoredUpload, tooLarge } from './upload.ts';

const sharesMax = 1_000;
const sweepMs = 60 * 60_000;

export class WritingVault implements Vault {
  readonly #options: Required<VaultOptions>;
  readonly #stock: Inventory;
  readonly #sweeper: NodeJS.Timeout;
  #lastChange: Promise<unknown> = Promise.resolve();

  constructor(options: Required<VaultOptions>, stock: Inventory) {
    this.#options = options;
    this.#stock = stock;
    const { clock, partAgeMsMax } = options;
    const sweep = () => stock.parts.dropOld(clock.now() - partAgeMsMax);
    // What cannot be dropped now is tried again the next time.
    this.#sweeper = setInterval(() => void sweep().catch(() => undefined), sweepMs).unref();
  }

  async list(visitor: Visitor): Promise<readonly FileRecord[]> {
    return inOrder([...this.#stock.records.values()].filter((record) => isFor(visitor, record)));
  }

  async open(visitor: Visitor, id: string): Promise<OpenedFile | undefined> {
    const record = this.#stock.records.get(id);
    if (record === undefined || !isFor(visitor, record)) return;
    return orUnavailable(openStored(this.#stock.shelves.files, record));
  }

  async begin(owner: Visitor, request: UploadRequest, onTakenOver: () => void): Promise<Upload> {
    assert(/^[0-9a-f]{32}$/.test(request.uploadId), 'an upload id has 32 hex digits');
    const id = fileId(owner.userId, request.uploadId);
    const turn = await this.#stock.turns.take(id, onTakenOver);
    try {
      const record = this.#stock.records.get(id);
      if (record === undefined) return await this.#goOn(id, owner, request, turn);
      if ((request.bytes ?? record.bytes) !== record.bytes) {
        const detail = `This upload is stored, and has ${record.bytes} bytes.`;
        throw new OperatingError('upload-conflict', { detail });
      }
      // The process before this one may have died between making it visible and making that last.
      await this.#stock.shelves.files.sync();
      turn.finish();
      return new StoredUpload(record);
    } catch (cause) {
      turn.finish();
      throw asUnavailable(cause);
    }
  }

  async remove(visitor: Visitor, id: string): Promise<boolean> {
    const { files, removed } = this.#stock.shelves;
    const name = `${id}.${randomBytes(8).toString('hex')}`;
    const gone = await this.#change(visitor, id, async (record) => {
      await files.move(id, removed, name);
      this.#stock.records.delete(id);
      await files.sync();
      return record;
    });
    if (gone === undefined) return false;
    await orUnavailable(removed.remove(name));
    this.#stock.quota.count(ownerKey(gone.owner), -gone.bytes, -1);
    return true;
  }

  async share(visitor: Visitor, id: string, userName: string): Promise<boolean> {
    assert(userName !== '', 'nobody is called nothing');
    const shared = await this.#change(visitor, id, async (record) => {
      if (record.sharedWith.includes(userName)) return record;
      if (record.sharedWith.length >= sharesMax) {
        const detail = `A file can be shared with ${sharesMax} users.`;
        throw new OperatingError('quota-exceeded', { detail });
      }
      const next = { ...record, sharedWith: [...record.sharedWith, userName] };
      await using folder = await this.#stock.shelves.files.folder(id);
      await writeRecord(folder, next);
      this.#stock.records.set(id, next);
      return next;
    });
    return shared !== undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#sweeper);
    await this.#stock.turns.end();
    await this.#lastChange;
    await this.#stock.held[Symbol.asyncDispose]();
  }

  /** Changes of stored files happen one after the other. */
  #change<T>(
    visitor: Visitor,
    id: string,
    change: (record: FileRecord) => Promise<T>,
  ): Promise<T | undefined> {
    const changed = this.#lastChange.then(async () => {
      const record = this.#stock.records.get(id);
      return record?.owner === visitor.userId ? change(record) : undefined;
    });
    this.#lastChange = changed.catch(() => undefined);
    return orUnavailable(changed);
  }

  async #goOn(id: string, owner: Visitor, request: UploadRequest, turn: Turn): Promise<Upload> {
    const { fileBytesMax, mismatch, clock } = this.#options;
    const { parts } = this.#stock;
    const { bytes: declaredBytes, claimedType } = request;
    if ((declaredBytes ?? 0) > fileBytesMax) throw tooLarge(fileBytesMax);
    const opened = await parts.open(id, ownerKey(owner.userId), declaredBytes ?? 0);
    const { part, folder } = opened;
    const content = await this.#readThrough(opened, declaredBytes ?? fileBytesMax, turn);
    const { userId, userName } = owner;
    const who = { owner: userId, ownerName: userName, sharedWith: [] };
    return new PartUpload({
      ...{ turn, folder, content, claimedType, declaredBytes, fileBytesMax, mismatch },
      draft: { id, name: displayName(request.name), ...who },
      now: () => clock.now(),
      takeRoom: (bytes) => parts.grow(part, bytes).then(() => turn.check()),
      store: (record) => this.#store(opened, record),
      drop: () => parts.drop(part),
      close: (isOver) => parts.close(opened, isOver),
    });
  }

  async #readThrough(opened: OpenPart, bytesMax: number, turn: Turn): Promise<Content> {
    try {
      const content = new Content(opened.handle);
      await content.readThrough(turn.signal);
      turn.check();
      if (content.bytes <= bytesMax) return content;
      const detail = `${content.bytes} bytes of this upload are here already, which is too many.`;
      throw new OperatingError('upload-conflict', { detail });
    } catch (cause) {
      await this.#stock.parts.close(opened, false);
      throw cause;
    }
  }

  async #store({ part }: OpenPart, record: FileRecord): Promise<void> {
    const { parts, records, shelves } = this.#stock;
    await parts.store(part, record.bytes);
    records.set(record.id, record);
    await Promise.all([shelves.files.sync(), shelves.incoming.sync()]);
  }
}
