// The vault of the one process that writes. What is stored and what is under way it knows by heart,
// from looking at the disk once; so it decides without waiting, and what it decided comes true on
// the disk.

import assert from 'node:assert';
import { OperatingError } from '../../core/errors.ts';
import { readName } from '../../core/user-name.ts';
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
import { PartContent } from './content.ts';
import type { Folder } from './folder.ts';
import type { Inventory } from './opening.ts';
import type { OpenPart } from './parts.ts';
import { openStored } from './reading.ts';
import { fileId, formerName, inOrder, isFor, ownerKey, writeRecord } from './record.ts';
import type { Turn } from './turns.ts';
import { asUnavailable, orUnavailable } from './unavailable.ts';
import { PartUpload, StoredUpload, tooLarge } from './upload.ts';

const sharesMax = 100;
const sweepMs = 60 * 60_000;

export class WritingVault implements Vault {
  readonly #options: Required<VaultOptions>;
  readonly #stock: Inventory;
  readonly #sweeper: NodeJS.Timeout;
  /** The last change of each file that is being changed, by id. */
  readonly #changes = new Map<string, Promise<unknown>>();
  /** What a sync failed with. Nobody knows then which names last, and a second would not tell. */
  #failure: unknown;

  constructor(options: Required<VaultOptions>, stock: Inventory) {
    this.#options = options;
    this.#stock = stock;
    const { clock, partAgeMsMax } = options;
    const sweep = () => stock.parts.dropOld(clock.now() - partAgeMsMax);
    // What cannot be dropped now is tried again the next time.
    this.#sweeper = setInterval(() => void sweep().catch(() => undefined), sweepMs).unref();
  }

  get warnings(): readonly string[] {
    return this.#stock.warnings;
  }

  async list(visitor: Visitor): Promise<readonly FileRecord[]> {
    return inOrder([...this.#stock.records.values()].filter(isFor(visitor)));
  }

  async open(visitor: Visitor, id: string): Promise<OpenedFile | undefined> {
    const record = this.#stock.records.get(id);
    if (record === undefined || !isFor(visitor)(record)) return;
    return orUnavailable(openStored(this.#stock.shelves.files, record));
  }

  async begin(owner: Visitor, request: UploadRequest, onTakenOver: () => void): Promise<Upload> {
    assert(/^[0-9a-f]{32}$/.test(request.uploadId), 'an upload id has 32 hex digits');
    const id = fileId(owner.userId, request.uploadId);
    const turn = await this.#stock.turns.take(id, onTakenOver);
    try {
      this.#check();
      const record = this.#stock.records.get(id);
      if (record === undefined) return await this.#goOn(id, owner, request, turn);
      if ((request.bytes ?? record.bytes) !== record.bytes) {
        const detail = `This upload is stored, and has ${record.bytes} bytes.`;
        throw new OperatingError('upload-conflict', { detail });
      }
      // The process before this one may have died between making it visible and making that last.
      await this.#sync(this.#stock.shelves.files);
      turn.finish();
      return new StoredUpload(record);
    } catch (cause) {
      turn.finish();
      throw asUnavailable(cause);
    }
  }

  async remove(visitor: Visitor, id: string): Promise<boolean> {
    const { files, removed } = this.#stock.shelves;
    return this.#change(visitor, id, async (record) => {
      const name = formerName(id);
      await files.move(id, removed, name);
      this.#stock.records.delete(id);
      await this.#sync(files);
      await removed.remove(name);
      this.#stock.quota.count(ownerKey(record.owner), -record.bytes, -1);
    });
  }

  async share(visitor: Visitor, id: string, userName: string): Promise<boolean> {
    const key = readName(userName)?.key;
    if (key === undefined) {
      throw new OperatingError('invalid-request', { detail: 'Nobody can have this user name.' });
    }
    return this.#change(visitor, id, async (record) => {
      if (record.sharedWith.includes(key)) return;
      if (record.sharedWith.length >= sharesMax) {
        const detail = `A file can be shared with ${sharesMax} users.`;
        throw new OperatingError('quota-exceeded', { detail });
      }
      const next = { ...record, sharedWith: [...record.sharedWith, key] };
      const { files } = this.#stock.shelves;
      await using folder = await files.folder(id);
      await writeRecord(folder, next);
      await files.touch();
      this.#stock.records.set(id, next);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#sweeper);
    await this.#stock.turns.end();
    await Promise.all(this.#changes.values());
    await this.#stock.held[Symbol.asyncDispose]();
  }

  /** Changes of one file happen one after the other. */
  #change(
    visitor: Visitor,
    id: string,
    change: (record: FileRecord) => Promise<void>,
  ): Promise<boolean> {
    const changing = Promise.resolve(this.#changes.get(id)).then(async () => {
      this.#check();
      const record = this.#stock.records.get(id);
      if (record?.owner !== visitor.userId) return false;
      await change(record);
      return true;
    });
    const over: Promise<unknown> = changing
      .catch(() => undefined)
      .then(() => this.#changes.get(id) === over && this.#changes.delete(id));
    this.#changes.set(id, over);
    return orUnavailable(changing);
  }

  #check(): void {
    if (this.#failure === undefined) return;
    const detail = 'The disk has failed. What lasts is seen when the vault is opened again.';
    throw new OperatingError('vault-unavailable', { detail, cause: this.#failure });
  }

  /** Makes the names on these shelves durable. */
  async #sync(...shelves: Folder[]): Promise<void> {
    try {
      await Promise.all(shelves.map((shelf) => shelf.sync()));
    } catch (cause) {
      this.#failure = cause;
      throw cause;
    }
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

  async #readThrough(opened: OpenPart, bytesMax: number, turn: Turn): Promise<PartContent> {
    try {
      const content = new PartContent(opened.handle);
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
    this.#check();
    const { parts, records, shelves } = this.#stock;
    await parts.store(part, record.bytes);
    await this.#sync(shelves.files, shelves.incoming);
    records.set(record.id, record);
  }
}
