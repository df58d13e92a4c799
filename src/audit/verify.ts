// Finds the first record of a log that is not what was written, or not where it was written. Reads
// each line once, whatever the size of the log. The chain alone shows a change in its middle; that
// its end is missing, or that all of it was written anew, only an anchored head can show, and
// records after the newest head have nobody outside the log to vouch for them.

import type { KeyObject } from 'node:crypto';
import { basename, join, resolve } from 'node:path';
import { OperatingError } from '../core/errors.ts';
import { openAnchor } from './anchor.ts';
import type { AuditRecord } from './audit-log.ts';
import { beginningOf, hashOfLine, parseRecord } from './chain.ts';
import { isSignedBy, type SignedHead } from './head.ts';
import { linesOf, logsBelow, segmentsOf } from './segments.ts';

export interface Fault {
  /** The first number in the log whose record is not as or where it was written. */
  readonly seq: number;
  /** Where it is, or would be: '000002.ndjson'; null when it is not in the log at all. */
  readonly segment: string | null;
  readonly line: number | null;
  readonly what: string;
}

export interface Verification {
  readonly log: string;
  /** Of the first and the last record that are there, 0 for none; up to the fault. */
  readonly first: number;
  readonly last: number;
  /** What the anchor vouches for, up to the fault; 0 for nothing. */
  readonly anchored: number;
  /** The last line lacks its end: it is being written, or a killed process left it. */
  readonly isUnfinished: boolean;
  /** Null when all is as it was written. */
  readonly fault: Fault | null;
}

export interface Vouching {
  /** A folder, or the URL of a PostgreSQL. */
  readonly anchor?: string;
  /** Heads must be signed by one of these; absent: signatures are not looked at. */
  readonly keys?: readonly KeyObject[];
}

/**
 * Every log below a folder, or the folder itself when it is one.
 * @throws OperatingError `audit-unavailable` when there is none, or the anchor cannot be read
 */
export async function verifyLogs(
  folder: string,
  { anchor: where, keys }: Vouching = {},
): Promise<readonly Verification[]> {
  const logs = await logsBelow(folder);
  // Heads before lines: what is written meanwhile is not missing.
  const alone = basename(resolve(folder));
  const heads = await readHeads(where, logs.get(alone) === folder ? [alone] : undefined);
  const names = new Set([...logs.keys(), ...heads.keys()]);
  if (names.size === 0) {
    throw new OperatingError('audit-unavailable', { detail: `There is no audit log in ${folder}` });
  }
  const found: Verification[] = [];
  for (const name of names) {
    const at = logs.get(name) ?? join(folder, name);
    found.push(await verifyLog(name, at, heads.get(name) ?? [], keys));
  }
  return found;
}

/** Also of logs that are not there any more, unless one is meant. */
async function readHeads(where: string | undefined, meant: readonly string[] | undefined) {
  const heads = new Map<string, readonly SignedHead[]>();
  if (where === undefined) return heads;
  await using anchor = openAnchor(where);
  try {
    for (const name of meant ?? (await anchor.logs())) heads.set(name, await anchor.heads(name));
    return heads;
  } catch (cause) {
    throw new OperatingError('audit-unavailable', { detail: 'The anchor cannot be read', cause });
  }
}

/** One line, as a link of the chain. */
interface Link {
  readonly record: AuditRecord | undefined;
  readonly hash: string;
  readonly segment: string;
  readonly line: number;
  readonly isWhole: boolean;
}

export async function verifyLog(
  log: string,
  folder: string,
  heads: readonly SignedHead[] = [],
  keys?: readonly KeyObject[],
): Promise<Verification> {
  const forged = keys && heads.find((head) => !isSignedBy(head, keys));
  const check = new Check(log, heads);
  if (forged !== undefined) return check.result(forgery(forged));
  for await (const [link, next] of withNext(linksOf(folder))) {
    const fault = check.see(link, next);
    if (fault !== undefined) return check.result(fault);
  }
  return check.result(check.end());
}

function forgery({ size }: SignedHead): Fault {
  const what = `the anchored head of record ${size} is not signed by the key given`;
  return { seq: size, segment: null, line: null, what };
}

async function* linksOf(folder: string): AsyncGenerator<Link> {
  for (const { file, name } of await segmentsOf(folder)) {
    for await (const { bytes, number, isWhole } of linesOf(file)) {
      const record = isWhole ? parseRecord(bytes) : undefined;
      yield { record, hash: hashOfLine(bytes), segment: name, line: number, isWhole };
    }
  }
}

async function* withNext<T>(items: AsyncIterable<T>): AsyncGenerator<[T, T | undefined]> {
  let held: { readonly item: T } | undefined;
  for await (const item of items) {
    if (held !== undefined) yield [held.item, item];
    held = { item };
  }
  if (held !== undefined) yield [held.item, undefined];
}

class Check {
  readonly #log: string;
  readonly #heads: ReadonlyMap<number, readonly SignedHead[]>;
  readonly #size: number;
  #before: Link | undefined;
  #first = 0;
  #last = 0;
  #anchored = 0;
  #retired = 0;
  #isUnfinished = false;

  constructor(log: string, heads: readonly SignedHead[]) {
    this.#log = log;
    this.#heads = Map.groupBy(heads, ({ size }) => size);
    this.#size = heads.reduce((most, { size }) => Math.max(most, size), 0);
  }

  /** @param next what stands after it, which tells a changed record from one that was put in */
  see(link: Link, next: Link | undefined): Fault | undefined {
    if (!link.isWhole && next === undefined) {
      this.#isUnfinished = true;
      return undefined;
    }
    const { record } = link;
    if (record === undefined) return this.#at(link, 'it is no record');
    if (record.log !== this.#log) {
      return this.#at(link, `a record of the log ${JSON.stringify(record.log)} is in its place`);
    }
    const fault = this.#before
      ? this.#following(this.#before, link, record, next)
      : this.#beginning(link, record);
    if (fault !== undefined) return fault;
    this.#first ||= record.seq;
    if (record.kind === 'retired') this.#retired = record.through;
    const isOther = this.#heads.get(record.seq)?.some(({ hash }) => hash !== link.hash);
    if (isOther) return this.#at(link, rewritten(this.#anchored + 1, record.seq));
    this.#last = record.seq;
    this.#before = link;
    if (this.#heads.has(record.seq)) this.#anchored = record.seq;
    return undefined;
  }

  /** When all lines were seen. */
  end(): Fault | undefined {
    const missing = (from: number, to: number) => `${recordsText(from, to)} missing`;
    if (this.#first > 1 && this.#retired < this.#first - 1) {
      const what = `${missing(1, this.#first - 1)}, and nothing says that they were retired`;
      return { seq: 1, segment: null, line: null, what };
    }
    if (this.#last >= this.#size) return undefined;
    const { segment = null, line = null } = this.#before ?? {};
    const what = `${missing(this.#last + 1, this.#size)}: the anchor vouches for ${this.#size}`;
    return { seq: this.#last + 1, segment, line: line && line + 1, what };
  }

  result(fault: Fault | undefined): Verification {
    return {
      log: this.#log,
      first: this.#first,
      last: Math.min(this.#last, (fault?.seq ?? Number.POSITIVE_INFINITY) - 1),
      anchored: this.#anchored,
      isUnfinished: this.#isUnfinished,
      fault: fault ?? null,
    };
  }

  #at({ segment, line }: Link, what: string, seq = this.#last + 1): Fault {
    return { seq, segment, line, what };
  }

  #beginning(link: Link, { seq, prev }: AuditRecord): Fault | undefined {
    if (seq === 1) {
      return prev === beginningOf(this.#log) ? undefined : this.#at(link, 'it begins no log');
    }
    const heads = this.#heads.get(seq - 1) ?? [];
    if (!heads.some(({ hash }) => hash === prev)) {
      return this.#at(link, `${recordsText(1, seq - 1)} missing, and no anchored head ends there`);
    }
    this.#anchored = seq - 1;
    return undefined;
  }

  #following(before: Link, link: Link, record: AuditRecord, next?: Link): Fault | undefined {
    const { seq, prev } = record;
    const expected = this.#last + 1;
    if (seq === expected && prev === before.hash) return undefined;
    if (seq > expected) {
      return this.#at(
        link,
        `record ${seq} is in its place: ${recordsText(expected, seq - 1)} gone`,
      );
    }
    if (link.hash === before.hash) return this.#at(link, `record ${seq} is there a second time`);
    // Whoever stands after it was written after it, so the fault is in what stands before it.
    const isVouchedFor = this.#isVouchedFor(record, link, next);
    const isBeforeSure = this.#anchored === this.#last;
    if (seq === expected) {
      if (!isVouchedFor || isBeforeSure) return this.#at(link, 'it does not follow the one before');
      return this.#at(before, 'it was changed: the next was written after another', seq - 1);
    }
    const isTwin = seq === this.#last && prev === before.record?.prev;
    if (isTwin && isVouchedFor && !isBeforeSure) {
      return this.#at(before, 'it was put in: the next has its number, and what follows', seq);
    }
    return this.#at(link, `record ${seq} is in its place`);
  }

  #isVouchedFor({ seq }: AuditRecord, { hash }: Link, next: Link | undefined): boolean {
    const isFollowed = next?.record?.seq === seq + 1 && next.record.prev === hash;
    return isFollowed || (this.#heads.get(seq)?.some((head) => head.hash === hash) ?? false);
  }
}

function recordsText(from: number, to: number): string {
  return from === to ? `record ${from} is` : `records ${from} to ${to} are`;
}

function rewritten(from: number, to: number): string {
  const which = from === to ? 'it was' : `it, or some of the records from ${from} on, were`;
  return `${which} rewritten: the anchor vouches for another`;
}
