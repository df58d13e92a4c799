// Which server gets the request. A policy is pure: it sees who may be asked and what is known of
// the client, and names one. It keeps no connection and reads no clock.

import type { Random } from '../core/random.ts';

export interface Candidate {
  readonly name: string;
  /** Requests that this server is working on for this gateway. */
  readonly inFlight: number;
}

/** What a gateway knows of a client without asking anybody. */
export interface ClientFacts {
  /** The address the connection came from. */
  readonly address: string;
  /** The server named by the gateway's own affinity cookie, if the client sent one. */
  readonly stuckTo: string | undefined;
}

export interface Picker {
  /** One of the candidates, which are healthy and never empty. */
  pick(candidates: readonly Candidate[], client: ClientFacts): Candidate;
}

export interface Policy {
  /** One sentence: who gets the next request. */
  readonly says: string;
  /** True when the gateway must tell the client, by a cookie, which server it was given. */
  readonly setsCookie: boolean;
  /** True when a client keeps its server while the set of servers stays the same. */
  readonly affinity: boolean;
  start(random: Random): Picker;
}
