// Makes heads of a log, signs them and has them anchored, while the log is written; and lets go of
// old segments, but never before what they end with is anchored. An anchor that is out of reach
// holds nobody up: it is tried again, and whoever runs the log is told.

import type { KeyObject } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { syncFolder } from '../core/durable-folder.ts';
import { OperatingError } from '../core/errors.ts';
import type { Anchor } from './anchor.ts';
import type { LogNote } from './audit-log.ts';
import { parseRecord } from './chain.ts';
import { type Head, type SignedHead, signHead } from './head.ts';
import { linesOf, type Segment, segmentsOf, tornFileOf } from './segments.ts';

export interface AnchoringOptions {
  readonly anchor: Anchor;
  readonly key: KeyObject | undefined;
  readonly folder: string;
  readonly everyMs: number;
  readonly retainMs: number | undefined;
  /** Of what is durable. */
  readonly head: () => Head;
  readonly note: (note: LogNote) => Promise<void>;
  readonly now: () => number;
  readonly onTrouble: (what: string, cause?: unknown) => void;
}

export class Anchoring implements AsyncDisposable {
  readonly #options: AnchoringOptions;
  #timer: NodeJS.Timeout | undefined;
  #work: Promise<void> = Promise.resolve();
  /** Undefined until the anchor was asked. */
  #anchoredSize: number | undefined;
  #isInTrouble = false;

  constructor(options: AnchoringOptions) {
    this.#options = options;
  }

  /** @throws OperatingError `audit-unavailable` when the anchor knows more of the log than is there */
  async begin(): Promise<void> {
    this.#timer = setInterval(() => void this.anchor(), this.#options.everyMs).unref();
    try {
      await this.#compare();
    } catch (cause) {
      if (cause instanceof OperatingError) throw cause;
      this.#trouble(cause);
    }
  }

  /** Anchors the head as it is now. Never rejects. */
  anchor(): Promise<void> {
    const attempt = async () => {
      await this.#compare();
      await this.#anchorHead();
      await this.#retire();
      if (this.#isInTrouble) this.#options.onTrouble('The audit log is anchored again');
      this.#isInTrouble = false;
    };
    this.#work = this.#work.then(attempt).catch((cause) => this.#trouble(cause));
    return this.#work;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    await this.anchor();
    await this.#options.anchor[Symbol.asyncDispose]();
  }

  async #compare(): Promise<void> {
    if (this.#anchoredSize !== undefined) return;
    const { anchor, folder, head } = this.#options;
    const now = head();
    const newest = await anchor.newest(now.log);
    if (newest !== undefined && isCutOff(now, newest)) {
      const detail =
        `The audit log in ${folder} ends with record ${now.size}, but its anchor vouches for ` +
        `another record ${newest.size}: it was cut off or replaced. Keep both as they are, and let ` +
        'this writer begin a log of another name (REPLICA).';
      throw new OperatingError('audit-unavailable', { detail });
    }
    this.#anchoredSize = newest?.size ?? 0;
  }

  async #anchorHead(): Promise<void> {
    const head = this.#options.head();
    if (head.size === this.#anchoredSize) return;
    await this.#put(head);
    this.#anchoredSize = head.size;
  }

  async #put(head: Head): Promise<void> {
    const signed: SignedHead = signHead(head, this.#options.key);
    await this.#options.anchor.put(signed);
  }

  /**
   * The heads that say so go first, one for each segment, since a kill may come between any two
   * deletions: whoever deletes segments without one is found out. What the log says of its age only
   * suggests; its anchored heads, which nobody with the log alone can make, must be as old.
   */
  async #retire(): Promise<void> {
    const { anchor, retainMs, folder, note, now } = this.#options;
    if (retainMs === undefined) return;
    const before = now() - retainMs;
    let vouched: number | undefined;
    const old: { readonly file: string; readonly end: Head }[] = [];
    const segments = await segmentsOf(folder);
    for (const [index, segment] of segments.entries()) {
      const next = segments[index + 1];
      const head = next && (await headBefore(next));
      if (head === undefined || Date.parse(head.time) >= before) break;
      vouched ??= sizeBefore(before, await anchor.heads(head.log));
      if (head.size > vouched) break;
      old.push({ file: segment.file, end: head });
    }
    const last = old.at(-1);
    if (last === undefined) return;
    const time = new Date(now()).toISOString();
    for (const { end } of old) await this.#put({ ...end, time, retires: true });
    // It may be for want of room that this cannot be written: then it waits, and room is made.
    await note({ kind: 'retired', through: last.end.size }).catch(() => undefined);
    for (const { file } of old) {
      await rm(file);
      await rm(tornFileOf(file), { force: true });
    }
    await syncFolder(folder);
  }

  #trouble(cause: unknown): void {
    if (!this.#isInTrouble) this.#options.onTrouble('The audit log cannot be anchored', cause);
    this.#isInTrouble = true;
  }
}

function isCutOff(now: Head, newest: Head): boolean {
  return newest.size > now.size || (newest.size === now.size && newest.hash !== now.hash);
}

/** How far the log was vouched for at a time. */
function sizeBefore(time: number, heads: readonly SignedHead[]): number {
  return heads.findLast((head) => Date.parse(head.time) < time)?.size ?? 0;
}

/** What the log was when this segment began, and when that was. */
async function headBefore({ file }: Segment): Promise<Head | undefined> {
  for await (const { bytes, isWhole } of linesOf(file)) {
    const first = isWhole ? parseRecord(bytes) : undefined;
    return first && { log: first.log, size: first.seq - 1, hash: first.prev, time: first.time };
  }
  return undefined;
}
