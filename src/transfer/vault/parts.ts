// Uploads that are not files yet: their places on the disk and the room that they have. A part that
// nobody works on gives way when its owner needs the room, and when it is old. Who has room is
// decided without waiting; the disk follows. What stands in the place of a part and is not what the
// vault made, such as a link, is swept aside and not followed.

import type { FileHandle } from 'node:fs/promises';
import type { Clock } from '../../core/clock.ts';
import { Gate } from '../../core/gate.ts';
import { type Folder, isAbsent } from './folder.ts';
import type { Quota } from './quota.ts';
import { formerName, partName } from './record.ts';
import type { Turns } from './turns.ts';

export interface Part {
  /** Of the file that it is to be. */
  readonly id: string;
  /** An owner key. */
  readonly owner: string;
  /** The room that it has: what is declared while it is under way, and then what is there. */
  bytes: number;
  touchedMs: number;
}

export interface OpenPart {
  readonly part: Part;
  readonly folder: Folder;
  readonly handle: FileHandle;
}

export interface Shelves {
  readonly incoming: Folder;
  readonly files: Folder;
  readonly removed: Folder;
}

/** However many give way, others get at the disk meanwhile. */
const sweeping = new Gate(1);

export class Parts {
  readonly #shelves: Shelves;
  readonly #quota: Quota;
  readonly #turns: Turns;
  readonly #clock: Clock;
  readonly #parts = new Map<string, Part>();

  constructor(shelves: Shelves, quota: Quota, turns: Turns, clock: Clock) {
    this.#shelves = shelves;
    this.#quota = quota;
    this.#turns = turns;
    this.#clock = clock;
  }

  /** One that is on the disk. */
  found(part: Part): void {
    this.#quota.count(part.owner, part.bytes, 1);
    this.#parts.set(part.id, part);
  }

  /**
   * Opens a part, or makes it, with room for so many bytes. Who calls has its turn.
   * @throws OperatingError `quota-exceeded`, or an error of the system
   */
  async open(id: string, owner: string, bytes: number): Promise<OpenPart> {
    const known = this.#parts.get(id);
    const part = known ?? { id, owner, bytes: 0, touchedMs: 0 };
    const before = part.bytes;
    const more = Math.max(0, bytes - before);
    const dropped = this.#takeRoom(owner, more, known ? 0 : 1);
    part.bytes += more;
    part.touchedMs = this.#clock.now();
    this.#parts.set(id, part);
    try {
      await dropped;
      const there = known && (await this.#openThere(part));
      return { part, ...(there ?? (await this.#make(part))) };
    } catch (cause) {
      await this.#leave(part, before);
      throw cause;
    }
  }

  /** @throws OperatingError `quota-exceeded`, or an error of the system */
  async grow(part: Part, bytes: number): Promise<void> {
    if (bytes <= part.bytes) return;
    const dropped = this.#takeRoom(part.owner, bytes - part.bytes, 0);
    part.bytes = bytes;
    await dropped;
  }

  /** Nobody works on it any more; unless it is over, what is there stays for a later begin. */
  async close({ part, folder, handle }: OpenPart, isOver: boolean): Promise<void> {
    try {
      if (!isOver) await this.#leave(part, (await handle.stat()).size);
    } finally {
      await handle.close();
      await folder[Symbol.asyncDispose]();
    }
  }

  /** It has become a file, which takes over its room. */
  async store(part: Part, bytes: number): Promise<void> {
    const { incoming, files } = this.#shelves;
    await incoming.move(nameOf(part), files, part.id);
    this.#resize(part, bytes);
    this.#parts.delete(part.id);
  }

  async drop(part: Part): Promise<void> {
    this.#quota.count(part.owner, -part.bytes, -1);
    this.#parts.delete(part.id);
    await sweeping
      .pass(() => this.#sweep(part))
      .catch((cause: unknown) => {
        this.found(part);
        throw cause;
      });
  }

  /** Drops what was last touched before. */
  async dropOld(beforeMs: number): Promise<void> {
    for (const part of this.#parts.values()) {
      if (part.touchedMs < beforeMs && !this.#turns.isTaken(part.id)) await this.#dropIdle(part);
    }
  }

  async #leave(part: Part, bytes: number): Promise<void> {
    if (bytes === 0) return this.drop(part);
    this.#resize(part, bytes);
    part.touchedMs = this.#clock.now();
  }

  /**
   * Parts of the owner's give way, the oldest first, and none in vain. Resolves when they are gone.
   * @throws OperatingError `quota-exceeded`, at once, and then nothing is taken
   */
  #takeRoom(owner: string, bytes: number, files: number): Promise<unknown> {
    const dropped: Part[] = [];
    let room = 0;
    const fits = () => this.#quota.fits(owner, bytes - room, files - dropped.length);
    for (const part of fits() ? [] : this.#idle(owner)) {
      dropped.push(part);
      room += part.bytes;
      if (fits()) break;
    }
    const dropping = fits() ? dropped.map((part) => this.#dropIdle(part)) : [];
    this.#quota.take(owner, bytes, files);
    return Promise.all(dropping);
  }

  /** The oldest first. */
  #idle(owner: string): Part[] {
    return [...this.#parts.values()]
      .filter((part) => part.owner === owner && !this.#turns.isTaken(part.id))
      .toSorted((a, b) => a.touchedMs - b.touchedMs);
  }

  async #dropIdle(part: Part): Promise<void> {
    const turn = this.#turns.hold(part.id);
    await this.drop(part).finally(() => turn.finish());
  }

  #resize(part: Part, bytes: number): void {
    this.#quota.count(part.owner, bytes - part.bytes);
    part.bytes = bytes;
  }

  async #openThere(part: Part): Promise<Omit<OpenPart, 'part'> | undefined> {
    const folder = await this.#shelves.incoming.folder(nameOf(part)).catch(unlessAbsent);
    const handle = await folder?.file('content', 'change').catch(unlessAbsent);
    if (folder && handle) return { folder, handle };
    await folder?.[Symbol.asyncDispose]();
    return undefined;
  }

  async #make(part: Part): Promise<Omit<OpenPart, 'part'>> {
    const { incoming } = this.#shelves;
    await this.#sweep(part);
    await incoming.make(nameOf(part));
    const folder = await incoming.folder(nameOf(part));
    const handle = await folder.file('content', 'create').catch(async (cause: unknown) => {
      await folder[Symbol.asyncDispose]();
      throw cause;
    });
    return { folder, handle };
  }

  async #sweep(part: Part): Promise<void> {
    const { incoming, removed } = this.#shelves;
    const name = formerName(part.id);
    const isThere = await incoming.move(nameOf(part), removed, name).then(() => true, unlessAbsent);
    if (isThere) await removed.remove(name);
  }
}

function nameOf({ owner, id }: Part): string {
  return partName(owner, id);
}

function unlessAbsent(cause: unknown): undefined {
  if (!isAbsent(cause)) throw cause;
}
