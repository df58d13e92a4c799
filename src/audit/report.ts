// A period of all logs for a reviewer: who came in and who was refused, why sessions ended, what
// administrators did, what was lost, and who was served as whom by which server. The last is what
// servers said of each request to the gateway; nobody else knows it.

import type { AuditRecord } from './audit-log.ts';
import type { Verification } from './chain-check.ts';
import { logsBelow, recordsOf } from './segments.ts';
import { timeOf } from './show.ts';

type Counts = Readonly<Record<string, number>>;

/** Something that is told one by one. */
export interface Happening {
  readonly time: string;
  readonly log: string;
  readonly kind: string;
  readonly reason?: string | undefined;
  readonly userId?: string | undefined;
  readonly actorId?: string | undefined;
  readonly session?: string | undefined;
}

/** One session, as one server served it. */
export interface ServedAs {
  readonly userId: string | null;
  readonly session: string | null;
  /** replica#incarnation */
  readonly by: string;
  readonly requests: number;
}

export interface AuditReport {
  readonly from: string | null;
  readonly to: string | null;
  /** The first and the last time that a record of the period has. */
  readonly earliest: string | null;
  readonly latest: string | null;
  readonly records: number;
  readonly verification: readonly Verification[];
  readonly registrations: number;
  readonly logins: number;
  readonly loginsRefused: Counts;
  readonly credentialsRefused: Counts;
  readonly requestsRefused: Counts;
  readonly sessionsEnded: Counts;
  readonly reuse: readonly Happening[];
  readonly administration: readonly Happening[];
  readonly otherAlarms: Counts;
  readonly starts: number;
  readonly stops: number;
  readonly gaps: readonly (Happening & { readonly lost: number })[];
  readonly clockSetBack: number;
  /** Requests by the class of their status: '2xx', or 'left' when the client did not wait. */
  readonly requests: Counts;
  readonly unreadable: number;
  readonly served: readonly ServedAs[];
}

export interface Period {
  /** ISO 8601; the end is not part of it. */
  readonly from?: string | undefined;
  readonly to?: string | undefined;
}

export async function reportOn(
  folder: string,
  period: Period,
  verification: readonly Verification[],
): Promise<AuditReport> {
  const tally = new Tally();
  const from = period.from === undefined ? Number.NEGATIVE_INFINITY : Date.parse(period.from);
  const to = period.to === undefined ? Number.POSITIVE_INFINITY : Date.parse(period.to);
  for (const at of (await logsBelow(folder)).values()) {
    for await (const record of recordsOf(at)) {
      const time = Date.parse(timeOf(record));
      if (time >= from && time < to) tally.add(record);
    }
  }
  return { from: period.from ?? null, to: period.to ?? null, verification, ...tally.result() };
}

class Count {
  readonly #counts = new Map<string, number>();

  add(name: string, count = 1): void {
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + count);
  }

  of(name: string): number {
    return this.#counts.get(name) ?? 0;
  }

  /** The most first. */
  all(): Counts {
    return Object.fromEntries([...this.#counts].toSorted(([, a], [, b]) => b - a));
  }
}

type EventRecord = Extract<AuditRecord, { readonly severity: unknown }>;

class Tally {
  #records = 0;
  #earliest: string | null = null;
  #latest: string | null = null;
  readonly #kinds = new Count();
  readonly #loginsRefused = new Count();
  readonly #credentialsRefused = new Count();
  readonly #requestsRefused = new Count();
  readonly #sessionsEnded = new Count();
  readonly #otherAlarms = new Count();
  readonly #requests = new Count();
  readonly #reuse: Happening[] = [];
  readonly #administration: Happening[] = [];
  readonly #gaps: (Happening & { readonly lost: number })[] = [];
  readonly #served = new Map<string, ServedAs>();
  #unreadable = 0;

  add(record: AuditRecord): void {
    const time = timeOf(record);
    this.#records += 1;
    if (this.#earliest === null || time < this.#earliest) this.#earliest = time;
    if (this.#latest === null || time > this.#latest) this.#latest = time;
    if ('severity' in record) this.#addEvent(record);
    else this.#kinds.add(record.kind);
    if (record.kind === 'access') this.#addAccess(record.access);
    if (record.kind === 'gap') {
      this.#gaps.push({ time, log: record.log, kind: 'gap', lost: record.lost });
    }
  }

  #addEvent(record: EventRecord): void {
    const { kind, severity, reason = kind, count = 1 } = record;
    this.#kinds.add(kind, count);
    if (kind === 'login-refused') this.#loginsRefused.add(reason, count);
    else if (kind === 'credential-refused') this.#credentialsRefused.add(reason, count);
    else if (kind === 'logout' || kind === 'session-ended') this.#sessionsEnded.add(reason, count);
    else if (kind === 'reuse-detected') this.#reuse.push(happening(record));
    else if (isRefusal(record)) this.#requestsRefused.add(reason, count);
    else if (severity === 'alert') this.#otherAlarms.add(kind, count);
    if (isAdministration(record)) this.#administration.push(happening(record));
  }

  #addAccess(access: Extract<AuditRecord, { readonly kind: 'access' }>['access']): void {
    if (access === null) {
      this.#unreadable += 1;
      return;
    }
    const { status, served } = access;
    this.#requests.add(status === null ? 'left' : `${Math.floor(status / 100)}xx`);
    if (served === null) return;
    const { by, userId, session } = served;
    const key = JSON.stringify([userId, session, by]);
    const requests = (this.#served.get(key)?.requests ?? 0) + 1;
    this.#served.set(key, { userId, session, by, requests });
  }

  result(): Omit<AuditReport, 'from' | 'to' | 'verification'> {
    return {
      earliest: this.#earliest,
      latest: this.#latest,
      records: this.#records,
      registrations: this.#kinds.of('registered'),
      logins: this.#kinds.of('login'),
      loginsRefused: this.#loginsRefused.all(),
      credentialsRefused: this.#credentialsRefused.all(),
      requestsRefused: this.#requestsRefused.all(),
      sessionsEnded: this.#sessionsEnded.all(),
      reuse: this.#reuse,
      administration: this.#administration,
      otherAlarms: this.#otherAlarms.all(),
      starts: this.#kinds.of('started'),
      stops: this.#kinds.of('stopped'),
      gaps: this.#gaps,
      clockSetBack: this.#kinds.of('clock-set-back'),
      requests: this.#requests.all(),
      unreadable: this.#unreadable,
      served: [...this.#served.values()].toSorted((a, b) => b.requests - a.requests),
    };
  }
}

const refusals: readonly string[] = [
  ...['csrf-refused', 'access-refused', 'throttled', 'step-up-refused', 'insecure-transport'],
];

function isRefusal({ kind }: EventRecord): boolean {
  return refusals.includes(kind);
}

function isAdministration({ kind, reason, actorId }: EventRecord): boolean {
  const isOfAccount = kind === 'account-disabled' || kind === 'account-enabled';
  return isOfAccount || actorId !== undefined || reason === 'ended-by-admin';
}

function happening(record: EventRecord): Happening {
  const { time, log, kind, reason, userId, actorId, session } = record;
  return { time, log, kind, reason, userId, actorId, session };
}
