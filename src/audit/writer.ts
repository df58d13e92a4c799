// Writes an audit log. Entries wait in one queue; a batch of them becomes lines, and is
// acknowledged when it is durable, so one fsync serves all who wait (group commit). When it cannot
// be written, all who wait are told so and the queue becomes a spool: bounded, in order, and
// written when that is possible again. What found no room in it is counted, and a record of the gap
// stands where the entries would have stood.

import { setTimeout as delay } from 'node:timers/promises';
import { systemClock } from '../core/clock.ts';
import { afterTime, inTime } from '../core/deadline.ts';
import { OperatingError } from '../core/errors.ts';
import { openAnchor } from './anchor.ts';
import { Anchoring, type AnchoringOptions } from './anchoring.ts';
import type {
  AccessEntry,
  AuditEntry,
  AuditLog,
  AuditLogOptions,
  LogNote,
  Source,
} from './audit-log.ts';
import { hashOfLine } from './chain.ts';
import { type Head, readSigningKey } from './head.ts';
import { LogFile } from './log-file.ts';
import { lineOf } from './record.ts';
import { type ChainEnd, lastSource, type Recovered, recover } from './recovery.ts';
import { logName } from './segments.ts';

const batchMax = 1_000;
const retryMs = 200;

/**
 * @throws OperatingError `audit-unavailable` when another process writes the log, when nothing can
 * follow its end, or when it ends before its anchor says; `unfit-key`
 */
export async function openAuditLog(options: AuditLogOptions): Promise<AuditLog> {
  if (!logName.test(options.log)) {
    const detail = `An audit log cannot be called "${options.log}": see AuditLogOptions`;
    throw new OperatingError('audit-unavailable', { detail });
  }
  const key = options.key === undefined ? undefined : readSigningKey(options.key);
  const folder = `${options.folder}/${options.log}`;
  const recovered = await recover(folder, options.log).catch((cause: unknown) => {
    if (cause instanceof OperatingError) throw cause;
    const detail = `The audit log in ${folder} cannot be opened`;
    throw new OperatingError('audit-unavailable', { detail, cause });
  });
  const writer = new Writer(options, recovered);
  const { anchor: where, anchorEveryMs: everyMs = 60_000, retainMs } = options;
  try {
    const anchor = where === undefined ? undefined : openAnchor(where);
    await writer.begin(anchor && { anchor, key, folder, everyMs, retainMs });
    return writer;
  } catch (cause) {
    await writer[Symbol.asyncDispose]();
    throw cause;
  }
}

interface Waiting {
  readonly entry: AuditEntry | LogNote;
  readonly time: number;
  readonly isCopy: boolean;
  /** Whoever waits for it; nobody once they were told that it must wait. */
  settled: PromiseWithResolvers<void> | undefined;
}

class Writer implements AuditLog {
  readonly #log: string;
  readonly #folder: string;
  readonly #file: LogFile;
  readonly #now: () => number;
  readonly #onTrouble: (what: string, cause?: unknown) => void;
  readonly #spoolMax: number;
  readonly #timeoutMs: number;
  readonly #tornBytes: number;
  readonly #closing = new AbortController();
  #anchoring: Anchoring | undefined;
  #end: ChainEnd;
  /** Undefined until it was asked for or changed. */
  #copiedTo: Promise<Source | undefined> | undefined;
  #queue: Waiting[] = [];
  /** Kind -> how many found no room. */
  #lost = new Map<string, number>();
  #lostInAll = 0;
  #isFailing = false;
  #running: Promise<void> | undefined;

  constructor(options: AuditLogOptions, recovered: Recovered) {
    const { clock = systemClock, onTrouble = () => undefined } = options;
    this.#log = options.log;
    this.#file = new LogFile(recovered, options.segmentBytesMax ?? 16 * 1024 * 1024);
    this.#now = () => clock.now();
    this.#onTrouble = onTrouble;
    this.#spoolMax = options.spoolMax ?? 10_000;
    this.#timeoutMs = options.writeTimeoutMs ?? 2_000;
    this.#end = recovered.end;
    this.#folder = recovered.folder;
    this.#tornBytes = recovered.tornBytes;
  }

  get canRecord(): boolean {
    return !this.#isFailing;
  }

  get waiting(): number {
    return this.#queue.length;
  }

  get lost(): number {
    return this.#lostInAll;
  }

  copiedTo(): Promise<Source | undefined> {
    this.#copiedTo ??= lastSource(this.#folder).catch((cause: unknown) => {
      this.#copiedTo = undefined;
      throw cause;
    });
    return this.#copiedTo;
  }

  async begin(
    anchored?: Pick<AnchoringOptions, 'anchor' | 'key' | 'folder' | 'everyMs' | 'retainMs'>,
  ): Promise<void> {
    if (anchored !== undefined) {
      this.#anchoring = new Anchoring({
        ...anchored,
        head: () => this.#head(),
        note: (note) => this.#offer(note),
        now: this.#now,
        onTrouble: this.#onTrouble,
      });
      await this.#anchoring.begin();
    }
    const note = { kind: 'torn-tail', bytes: this.#tornBytes } as const;
    // A full disk does not keep a server from starting: it is noted when it can be.
    if (this.#tornBytes > 0) await this.#offer(note).catch(() => undefined);
  }

  append(entry: AuditEntry): Promise<void> {
    return this.#offer(entry);
  }

  async copy(entries: readonly AccessEntry[]): Promise<void> {
    // When nothing else waits, this is how it is found out whether it can be written again.
    if (this.#isFailing && this.#queue.length > 0) throw unavailable();
    const settled = Promise.withResolvers<void>();
    const time = this.#now();
    for (const [index, entry] of entries.entries()) {
      const isLast = index === entries.length - 1;
      this.#queue.push({ entry, time, isCopy: true, settled: isLast ? settled : undefined });
    }
    if (entries.length === 0) return;
    this.#run();
    await settled.promise;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    await this.#settled();
    await this.#anchoring?.[Symbol.asyncDispose]();
    await this.#settled();
    const { length } = this.#queue;
    if (length > 0) this.#onTrouble(`The audit log was closed without its last ${length} entries`);
    await this.#file[Symbol.asyncDispose]();
  }

  /** Resolves when nothing is being written, or the disk does not answer. */
  async #settled(): Promise<void> {
    await inTime(2 * this.#timeoutMs, Promise.resolve(this.#running)).catch(() => undefined);
  }

  #head(): Head {
    const { seq, hash } = this.#end;
    return { log: this.#log, size: seq, hash, time: new Date(this.#now()).toISOString() };
  }

  async #offer(entry: AuditEntry | LogNote): Promise<void> {
    if (this.#queue.length >= this.#spoolMax) {
      this.#lost.set(entry.kind, (this.#lost.get(entry.kind) ?? 0) + 1);
      this.#lostInAll += 1;
      throw unavailable();
    }
    this.#noteGap();
    const settled = this.#isFailing ? undefined : Promise.withResolvers<void>();
    this.#queue.push({ entry, time: this.#now(), isCopy: false, settled });
    this.#run();
    if (settled === undefined) throw unavailable();
    await settled.promise;
  }

  /** Where the entries would have stood: before whatever comes after them. */
  #noteGap(): void {
    if (this.#lost.size === 0) return;
    const lost = [...this.#lost.values()].reduce((sum, count) => sum + count, 0);
    const entry: LogNote = { kind: 'gap', lost, kinds: Object.fromEntries(this.#lost) };
    this.#lost = new Map();
    this.#queue.push({ entry, time: this.#now(), isCopy: false, settled: undefined });
  }

  #run(): void {
    this.#running ??= this.#drain();
  }

  async #drain(): Promise<void> {
    await undefined; // What is offered in this turn is written together.
    while (this.#queue.length > 0) {
      const { length } = this.#queue;
      const batch = this.#queue.slice(0, batchMax);
      try {
        await this.#write(batch);
      } catch (cause) {
        this.#fail(cause);
        if (this.#closing.signal.aborted) break;
        const { signal } = this.#closing;
        await delay(retryMs, undefined, { signal }).catch(() => undefined);
        continue;
      }
      this.#queue.splice(0, batch.length);
      for (const { settled } of batch) settled?.resolve();
      if (this.#queue.length < this.#spoolMax) this.#noteGap();
      // What is left came after this write began: under traffic something always does.
      if (this.#isFailing && batch.length === length) {
        this.#isFailing = false;
        this.#onTrouble('The audit log is written again');
      }
    }
    this.#running = undefined;
  }

  async #write(batch: readonly Waiting[]): Promise<void> {
    let end = this.#end;
    let lines = '';
    const add = (entry: AuditEntry | LogNote, time: number) => {
      const line = lineOf(entry, { log: this.#log, seq: end.seq + 1, time, prev: end.hash });
      end = { seq: end.seq + 1, hash: hashOfLine(line), time };
      lines += `${line}\n`;
    };
    let source: Source | undefined;
    for (const { entry, time } of batch) {
      if (time < end.time) add({ kind: 'clock-set-back', byMs: end.time - time }, time);
      add(entry, time);
      if (entry.kind === 'access') source = entry.source;
    }
    using _ = afterTime(this.#timeoutMs, () => this.#tellAll('the disk does not answer'));
    await this.#file.write(Buffer.from(lines));
    this.#end = end;
    if (source !== undefined) this.#copiedTo = Promise.resolve(source);
  }

  #fail(cause: unknown): void {
    this.#tellAll(cause);
    for (const { isCopy, settled } of this.#queue) if (isCopy) settled?.reject(unavailable(cause));
    this.#queue = this.#queue.filter(({ isCopy }) => !isCopy);
  }

  /** Those who wait learn that it takes longer; what they gave stays. */
  #tellAll(cause: unknown): void {
    if (!this.#isFailing) this.#onTrouble('The audit log cannot be written', cause);
    this.#isFailing = true;
    for (const waiting of this.#queue.filter(({ isCopy }) => !isCopy)) {
      waiting.settled?.reject(unavailable(cause));
      waiting.settled = undefined;
    }
  }
}

function unavailable(cause?: unknown): OperatingError {
  return new OperatingError('audit-unavailable', { retryAfterSeconds: 1, cause });
}
