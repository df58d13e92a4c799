// The place where a transfer server stands: it knows no strategy, no audit log and no meter, and
// asks and tells them through these.

import type { Recognition } from '../core/recognition.ts';
import type { Noticed } from '../core/security-event.ts';
import type { Session } from '../core/session.ts';
import type { RequestHeaders } from '../strategies/strategy.ts';

/** Where a client is, as far as it can be seen. */
export interface Peer {
  readonly ip: string;
  /** Of the connection, for the log. */
  readonly id: string;
}

export interface Surroundings {
  /** Who presents these header fields? */
  identify(headers: RequestHeaders, peer: Peer): Promise<Recognition>;
  /** Calls back once, unless it is disposed of before. */
  whileSessionLives(session: Session, onEnd: (how: 'ended' | 'unknown') => void): Watching;
  /** False while nothing can be put on record. */
  canRecord(): boolean;
  /**
   * Resolves when it is on record.
   * @throws OperatingError `audit-unavailable`; it need not be noted again
   */
  record(noticed: Noticed, peer: Peer): Promise<void>;
  /** The same, where nobody waits for it. */
  note(noticed: Noticed, peer: Peer): void;
  /** For the log of the process: what went wrong on this side. */
  trouble(error: unknown, peer: Peer): void;
  readonly tally: Tally;
}

export interface Watching extends Disposable {
  /** The session is in use. May be said at every turn. */
  used(): void;
}

/** What is counted. */
export interface Tally {
  bytesIn: number;
  bytesOut: number;
  /** `outcome`: ok, or the code of the error. */
  transfer(command: string, outcome: string, durationMs: number): void;
}
