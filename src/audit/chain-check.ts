// Finds the first record of a log that is not what was written, or not where it was written. The
// chain alone shows a change in its middle. That its end is missing, or that all of it was written
// anew, only an anchored head can show; and for records after the newest head nobody vouches. A log
// begins with its first record, or after a head that was anchored to say so when older ones went.
// Does no I/O: it is shown one line after another.

import type { AuditRecord } from './audit-log.ts';
import { beginningOf } from './chain.ts';
import type { SignedHead } from './head.ts';

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
  /** When those before the first were let go of, as the anchor says; null when none were. */
  readonly retiredAt: string | null;
  /** What the anchor vouches for, up to the fault; 0 for nothing. */
  readonly anchored: number;
  /** The last line lacks its end: it is being written, or a killed process left it. */
  readonly isUnfinished: boolean;
  /** Null when all is as it was written. */
  readonly fault: Fault | null;
}

/** One line, as a link of the chain. */
export interface Link {
  readonly record: AuditRecord | undefined;
  readonly hash: string;
  readonly segment: string;
  readonly line: number;
  /** It ends with a line feed. */
  readonly isWhole: boolean;
}

/** Two lines that do not fit: one of them is wrong, and a head that comes later says which. */
interface Doubt {
  readonly before: Fault;
  readonly here: Fault;
}

export class ChainCheck {
  readonly #log: string;
  readonly #heads: ReadonlyMap<number, readonly SignedHead[]>;
  readonly #size: number;
  #before: Link | undefined;
  #doubt: Doubt | undefined;
  #first = 0;
  #last = 0;
  #anchored = 0;
  #retiredAt: string | null = null;
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
    const fault = this.#misplaced(link, record, next);
    if (fault !== undefined || record === undefined) return this.#doubt?.here ?? fault;
    this.#first ||= record.seq;
    this.#last = record.seq;
    this.#before = link;
    if (!this.#heads.has(record.seq)) return undefined;
    this.#anchored = record.seq;
    return this.#doubt?.before;
  }

  /** When all lines were seen. */
  end(): Fault | undefined {
    const isCut = this.#last < this.#size;
    if (this.#doubt !== undefined) return isCut ? this.#doubt.here : this.#doubt.before;
    if (!isCut) return undefined;
    const { segment = null, line = null } = this.#before ?? {};
    const gone = `${records(this.#last + 1, this.#size)} missing`;
    const what = `${gone}: the anchor vouches for ${this.#size}`;
    return { seq: this.#last + 1, segment, line: line && line + 1, what };
  }

  result(fault: Fault | undefined): Verification {
    return {
      log: this.#log,
      first: this.#first,
      last: fault === undefined ? this.#last : Math.min(this.#last, fault.seq - 1),
      retiredAt: this.#retiredAt,
      anchored: this.#anchored,
      isUnfinished: this.#isUnfinished,
      fault: fault ?? null,
    };
  }

  #at({ segment, line }: Link, what: string, seq = this.#last + 1): Fault {
    return { seq, segment, line, what };
  }

  #misplaced(link: Link, record: AuditRecord | undefined, next?: Link): Fault | undefined {
    if (record === undefined) return this.#at(link, 'it is no record');
    if (record.log !== this.#log) {
      return this.#at(link, `a record of the log ${JSON.stringify(record.log)} is in its place`);
    }
    const fault = this.#before
      ? this.#following(this.#before, link, record, next)
      : this.#beginning(link, record);
    if (fault !== undefined) return fault;
    const isAnother = this.#heads.get(record.seq)?.some(({ hash }) => hash !== link.hash);
    return isAnother
      ? this.#at(link, rewritten(this.#anchored + 1, record.seq), record.seq)
      : undefined;
  }

  #beginning(link: Link, { seq, prev }: AuditRecord): Fault | undefined {
    if (seq === 1) {
      return prev === beginningOf(this.#log) ? undefined : this.#at(link, 'it begins no log');
    }
    const heads = this.#heads.get(seq - 1) ?? [];
    const end = heads.find(({ hash, retires }) => retires === true && hash === prev);
    if (end === undefined) {
      return this.#at(link, `${records(1, seq - 1)} missing, and no anchored head retires them`);
    }
    this.#retiredAt = end.time;
    this.#anchored = seq - 1;
    return undefined;
  }

  #following(before: Link, link: Link, record: AuditRecord, next?: Link): Fault | undefined {
    const { seq, prev } = record;
    const expected = this.#last + 1;
    if (seq === expected && prev === before.hash) return undefined;
    if (seq > expected) {
      return this.#at(link, `${records(expected, seq - 1)} missing: record ${seq} is in its place`);
    }
    if (link.hash === before.hash) return this.#at(link, `record ${seq} is there a second time`);
    const isTwin = seq === this.#last && prev === before.record?.prev;
    const here = this.#at(
      link,
      seq === expected ? 'it does not follow the one before' : `record ${seq} is in its place`,
    );
    const canBeRight = seq === expected || isTwin;
    const isBeforeSure = this.#anchored === this.#last;
    if (!canBeRight || isBeforeSure || !this.#isFollowed(record, link, next)) return here;
    // What stands after it was written after it, so it may be the one before that is wrong.
    if (this.#doubt !== undefined) return here;
    const what = isTwin
      ? 'it was put in: the next has its number, and was written in its place'
      : `it was changed, perhaps with others from ${this.#anchored + 1} on: the next follows another`;
    this.#doubt = { before: this.#at(before, what, this.#last), here };
    return undefined;
  }

  #isFollowed({ seq }: AuditRecord, { hash }: Link, next: Link | undefined): boolean {
    const isFollowed = next?.record?.seq === seq + 1 && next.record.prev === hash;
    return isFollowed || (this.#heads.get(seq)?.some((head) => head.hash === hash) ?? false);
  }
}

function records(from: number, to: number): string {
  return from === to ? `record ${from} is` : `records ${from} to ${to} are`;
}

function rewritten(from: number, to: number): string {
  const which = from === to ? 'it was' : `it, or some of the records from ${from} on, were`;
  return `${which} rewritten: the anchor vouches for another`;
}
