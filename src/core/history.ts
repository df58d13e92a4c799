// What happened in a run, as recorded: NDJSON, one header line, then two lines per operation
// (invocation and completion) and two per fault, in the order in which they happened on one
// monotonic clock. Times are milliseconds since the start of the run. Credentials appear only as
// hashes. The completion says ok, fail (certainly no effect) or info (nobody knows), as in Jepsen.

import type { Lifetimes } from './limits.ts';

/** What goes over the transfer protocol: send is one attempt at an upload. */
export const transfers = ['send', 'list', 'fetch'] as const;
export type Transfer = (typeof transfers)[number];

export const operations = [
  'login',
  'whoami',
  'put',
  'read',
  'refresh',
  'logout',
  'logout-everywhere',
  'replay',
  'forge',
  ...transfers,
] as const;
/**
 * login; whoami (an observation); put (adds to a cart quantity); read (the cart); refresh;
 * logout; logout-everywhere; replay (whoami with a credential that was ended or replaced);
 * forge (whoami with a credential that was never issued); and the transfers of files.
 */
export type Operation = (typeof operations)[number];

export function isTransfer(f: Operation): f is Transfer {
  return transfers.some((transfer) => transfer === f);
}

export interface RunHeader {
  readonly t: 'run';
  readonly id: string;
  readonly scenario: string;
  readonly answer: string;
  readonly seed: string;
  readonly servers: readonly string[];
  readonly policy: string;
  readonly lifetimes: Lifetimes;
  /** True when a credential is accepted until it expires, whatever the server learns meanwhile. */
  readonly selfContained: boolean;
}

export interface Invocation {
  readonly t: 'invoke';
  /** Names the operation; its completion carries the same number. */
  readonly i: number;
  readonly f: Operation;
  /** One cookie jar. */
  readonly client: string;
  /** One sequence of operations in it; two lanes of a client overlap. */
  readonly lane: number;
  readonly user: string;
  /** The login whose credential is presented, as the lab numbers logins; null for none. */
  readonly sess: string | null;
  /** SHA-256 of the credential presented. */
  readonly cred: string | null;
  /** 'gateway', 'transfer' for what is asked there, or the name of the server asked directly. */
  readonly to: string;
  readonly key?: string;
  readonly val?: number;
  /** SHA-256 of the file that is sent, whose name is the key. */
  readonly sha256?: string;
  readonly tPlan: number;
  readonly tInv: number;
}

/** A file as an answer showed it: a receipt, an entry of a list, or the content itself. */
export interface SeenFile {
  readonly id: string;
  readonly bytes: number;
  readonly sha256: string;
}

export interface Completion {
  readonly t: 'ok' | 'fail' | 'info';
  readonly i: number;
  readonly status: number | null;
  /** replica#incarnation, from the answer; null when no server answered. */
  readonly server: string | null;
  /** What the answer showed. user null means that the server took the client for nobody. */
  readonly seen?: {
    readonly user: string | null;
    readonly cart?: Readonly<Record<string, number>>;
    /** Of a fetch: none when it is not there, or not for this user. */
    readonly files?: readonly SeenFile[];
  };
  /** The login that this completion began. */
  readonly sess?: string;
  /** SHA-256 of the credential issued. */
  readonly set?: string;
  /** The byte from which a send went on. */
  readonly from?: number;
  /** The id of the request, from the answer: under it the logs of gateway and servers know it. */
  readonly req?: string;
  /** Problem code or network error code. */
  readonly reason?: string;
  /** The answer takes the cookie of the session from the client, though it ends nothing. */
  readonly cleared?: true;
  /** The answer says when to try again. */
  readonly retryAfter?: true;
  readonly tHdr?: number;
  readonly tEnd: number;
  /** How often the gateway tried; absent when no gateway was asked. */
  readonly tries?: number;
}

export interface FaultEvent {
  readonly t: 'fault';
  readonly kind: string;
  readonly target: string;
  readonly phase: 'begin' | 'end';
  readonly at: number;
}

export type HistoryEvent = RunHeader | Invocation | Completion | FaultEvent;
