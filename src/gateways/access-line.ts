// One line of a gateway's log: who, what, when, where, by whom it was answered, and how long that
// took. Nothing in it is a client's own words: no path, no query, no header field and no body, only
// what the gateway saw itself and what a server said in `x-audit`, so no credential can get in.

export interface AccessLine {
  /** When the request arrived, ISO 8601 in UTC. */
  readonly time: string;
  /** Made by the gateway, and carried through to the servers and into the answer. */
  readonly requestId: string;
  /** The address that the connection came from. */
  readonly client: string;
  /** A method of RFC 9110 or PATCH; everything else is `other`. */
  readonly method: string;
  /** The `path` of the gateway's route, or null where none fits. */
  readonly path: string | null;
  /** What the server says in `x-audit`, which no client is shown; null when it says nothing. */
  readonly served: Served | null;
  /** Null when the client left before there was an answer. */
  readonly status: number | null;
  /** False when the answer broke off; null when the gateway cannot tell. */
  readonly complete: boolean | null;
  /** The server asked last, by its name in the group; null when none could be. */
  readonly upstream: string | null;
  /** How many servers were asked. */
  readonly tries: number;
  /** Until the answer's head came from the server, in milliseconds; null when none came. */
  readonly headMs: number | null;
  /** Until the end of the answer, in milliseconds. */
  readonly durationMs: number;
  /** Bytes sent to the client, header fields included. */
  readonly bytes: number;
  /** 'TLSv1.3'; null in the clear. */
  readonly tls: string | null;
}

export interface Served {
  /** replica#incarnation. */
  readonly by: string;
  /** The route's template: /sessions/:handle. */
  readonly route: string;
  /** Whose session it was; null for nobody. */
  readonly userId: string | null;
  /** The handle of that session. */
  readonly session: string | null;
}

/**
 * The value of the `x-audit` field: four words, `-` for nothing. None of them can hold a space:
 * `s1#1 /sessions/:handle 3f0e… Q7Wk…`.
 */
export function parseServed(field: string | undefined): Served | null {
  const words = field?.split(' ') ?? [];
  const [by, route, user, session] = words;
  if (words.length !== 4 || !by || !route || !user || !session) return null;
  const orNull = (word: string) => (word === '-' ? null : word);
  return { by, route, userId: orNull(user), session: orNull(session) };
}
