// From the header fields of a request to what its access token tells. A token that was verified
// once need not be again while its key is accepted: the gate leaves each token one spelling, so the
// text itself is compared. It is remembered under its end, because finding a text costs by its
// length, and only when it comes a second time: keeping what never comes again costs about as much
// as an HMAC. The clock is asked each time; nothing here does I/O.

import { LRUCache } from 'lru-cache';
import { OperatingError } from '../core/errors.ts';
import { anonymous, type Recognition } from '../core/recognition.ts';
import type { Session } from '../core/session.ts';
import { type AccessTokens, frozen, type Unread } from './access-token.ts';
import { upToDate } from './login.ts';
import type { RequestHeaders, StrategyOptions } from './strategy.ts';

/** How far the clocks of our servers may differ. */
const clockSkewMs = 5_000;
/** Bounds the memory of verified tokens, in characters. */
const cacheCharsMax = 16 * 1024 * 1024;

const scheme = 'bearer ';
/** So much of a token's end, which is of its signature, tells it from others. */
const nameChars = 43;
/** How many first sights are remembered, roughly; a power of two. */
const firstSightsMax = 65_536;

interface Verified {
  /** The whole header field. */
  readonly field: string;
  readonly session: Session;
  /** Accepted from the one time on, and before the other. */
  readonly from: number;
  readonly until: number;
  readonly recognition: Recognition;
}

export class PresentedTokens {
  readonly #options: StrategyOptions;
  readonly #tokens: AccessTokens;
  readonly #verified = new LRUCache<string, Verified>({
    maxSize: cacheCharsMax,
    sizeCalculation: ({ field }) => field.length,
  });
  readonly #firstSights = new Int32Array(firstSightsMax);
  #generation: number | undefined;

  constructor(options: StrategyOptions, tokens: AccessTokens) {
    this.#options = options;
    this.#tokens = tokens;
  }

  recognise(headers: RequestHeaders): Recognition {
    const verified = this.#verifiedIn(headers);
    if (verified === 'unknown-key') return { kind: 'unknown', cause: keysUnavailable() };
    if (typeof verified === 'string') return anonymous(verified);
    const now = this.#options.clock.now();
    if (now >= verified.until) return anonymous('expired');
    if (now < verified.from) return anonymous('wrong-claims');
    return verified.recognition;
  }

  /**
   * What the token of these header fields tells, even when its time is over.
   *
   * @throws OperatingError `store-unavailable` when its key may be one that we could not ask for
   */
  sessionIn(headers: RequestHeaders): Session | undefined {
    const verified = this.#verifiedIn(headers);
    if (verified === 'unknown-key') throw keysUnavailable();
    return typeof verified === 'string' ? undefined : verified.session;
  }

  #verifiedIn({ authorization: field }: RequestHeaders): Verified | Unread {
    if (field === undefined) return 'no-credential';
    if (typeof field !== 'string') return 'malformed';
    const { keys } = this.#options;
    if (keys?.generation !== this.#generation) {
      this.#verified.clear();
      this.#generation = keys?.generation;
    }
    const known = this.#verified.get(field.slice(-nameChars));
    return known?.field === field ? known : this.#verify(field);
  }

  #verify(field: string): Verified | Unread {
    if (field.slice(0, scheme.length).toLowerCase() !== scheme) return 'malformed';
    const read = this.#tokens.read(field.slice(scheme.length));
    if (typeof read === 'string') return read;
    const { session, issuedAt } = read;
    const current = upToDate(session, this.#options.schema);
    const verified: Verified = {
      field,
      session,
      from: Math.max(session.lastSeenAt, issuedAt) - clockSkewMs,
      until: this.#tokens.endOf(session),
      recognition: current
        ? frozen({ kind: 'recognised', session: current })
        : anonymous('unknown-version'),
    };
    const name = field.slice(-nameChars);
    if (this.#wasSeen(name)) this.#verified.set(name, verified);
    return verified;
  }

  /** Forgets by and by, and takes one token for another in a billion: it decides about a cache. */
  #wasSeen(name: string): boolean {
    let print = 0;
    for (let at = 0; at < 8; at += 1) print = Math.imul(print, 31) + name.charCodeAt(at);
    const slot = print & (firstSightsMax - 1);
    const before = this.#firstSights[slot];
    this.#firstSights[slot] = print;
    return before === (print | 0);
  }
}

function keysUnavailable(): OperatingError {
  const detail = 'The token may be signed with a key that this server could not ask for';
  return new OperatingError('store-unavailable', { detail, retryAfterSeconds: 1 });
}
