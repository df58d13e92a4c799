// The audit log: what happened, in an order that nobody can change unseen. Each writer has a log of
// its own, a folder of segments; a line is a record, and holds the hash of the line before. What is
// written is chosen field by field, so nothing gets in because somebody put it into an object: no
// credential, no name that somebody typed, no path and no header field. Order is `seq`; `time` is
// what the writer's clock said.

import type { Clock } from '../core/clock.ts';
import type { SecurityEvent } from '../core/security-event.ts';
import type { AccessLine } from '../gateways/access-line.ts';

/** A process began or ended its service. */
export interface ServiceEntry {
  readonly kind: 'started' | 'stopped';
  /** replica#incarnation, or the gateway's name. */
  readonly server: string;
  /** The settings in force, secret ones left out. */
  readonly settings?: Readonly<Record<string, string | number | boolean>>;
}

/** Where a line was copied from, so that it is copied once. */
export interface Source {
  /** SHA-256 of the first line of the file, in hexadecimal: it stays through a renaming. */
  readonly file: string;
  /** Where the line ends, in bytes. */
  readonly end: number;
}

/** A line of a gateway's access log; `null` where it could not be read. */
export interface AccessEntry {
  readonly kind: 'access';
  readonly access: AccessLine | null;
  readonly source: Source;
}

export type AuditEntry = SecurityEvent | ServiceEntry | AccessEntry;

/** What a log says of itself. */
export type LogNote =
  /** A last line that was never acknowledged was cut off at the start. */
  | { readonly kind: 'torn-tail'; readonly bytes: number }
  /** So many entries could not be kept while nothing could be written, counted by their kind. */
  | {
      readonly kind: 'gap';
      readonly lost: number;
      readonly kinds: Readonly<Record<string, number>>;
    }
  | { readonly kind: 'clock-set-back'; readonly byMs: number }
  /** Segments up to this record were deleted, their time being over. */
  | { readonly kind: 'retired'; readonly through: number };

type WithoutTime<T> = T extends unknown ? Omit<T, 'time'> : never;

/** One line. */
export type AuditRecord = {
  readonly v: 1;
  readonly log: string;
  /** 1, 2, 3, ... */
  readonly seq: number;
  /** When it was given to the log, ISO 8601 in UTC. */
  readonly time: string;
  /** The event in the words of the OWASP Logging Vocabulary, where it has one. */
  readonly owasp?: string;
  /** Hash of the line before, in hexadecimal. */
  readonly prev: string;
} & WithoutTime<AuditEntry | LogNote>;

export interface AuditLog extends AsyncDisposable {
  /**
   * Resolves when the entry is on disk. Entries are written in the order of the calls, and those
   * that wait share one fsync.
   * @throws OperatingError `audit-unavailable` when it could not be written: it is kept in memory,
   * if there is room, and written when that is possible again. Nobody needs to offer it again.
   */
  append(entry: AuditEntry): Promise<void>;
  /**
   * Like `append`, but what could not be written is not kept: `copiedTo` says how far it came.
   * @throws OperatingError `audit-unavailable`
   */
  copy(entries: readonly AccessEntry[]): Promise<void>;
  /**
   * False while anything waits in memory that could not be written. Then nobody is given new
   * rights (login, registration, step-up, a password, administration); endings are always honoured.
   */
  readonly canRecord: boolean;
  /** How many entries wait in memory. */
  readonly waiting: number;
  /** How many found no room there, since the log was opened. */
  readonly lost: number;
  /** Where the newest copied line of the log came from; undefined where none was copied. */
  copiedTo(): Promise<Source | undefined>;
}

export interface AuditLogOptions {
  /** The folder of all logs; this one's is below it. */
  readonly folder: string;
  /** The log's name: letters, digits, `.`, `_` and `-`, at most 64. One writer, one name. */
  readonly log: string;
  /** Ed25519 private key, a JWK as JSON: signs the heads. Absent: heads are not signed. */
  readonly key?: string;
  /** Where heads are kept: a folder, best on another volume, or the URL of a PostgreSQL. */
  readonly anchor?: string;
  /** How long a head may be not yet anchored. Default: a minute. */
  readonly anchorEveryMs?: number;
  /** A segment that has grown to this is the last but one. Default: 16 MiB. */
  readonly segmentBytesMax?: number;
  /** Older segments are deleted when their end is anchored. Absent: nothing is ever deleted. */
  readonly retainMs?: number;
  /** How many entries may wait in memory. Default: 10 000. */
  readonly spoolMax?: number;
  /** How long one write to the disk may take before it counts as failed. Default: 2 s. */
  readonly writeTimeoutMs?: number;
  readonly clock?: Clock;
  /** Is told, once each, when the log or its anchor cannot be written, and when it can again. */
  readonly onTrouble?: (what: string, cause?: unknown) => void;
}
