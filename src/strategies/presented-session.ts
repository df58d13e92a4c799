// From header fields to a session in the store: which of the credentials that a request brings is
// valid, and whether it is the current one or the one before, which is absorbed for a while.

import type { Credential } from '../core/credential.ts';
import { OperatingError } from '../core/errors.ts';
import { after, type MaybePromise } from '../core/maybe-promise.ts';
import type { AnonymousReason, Recognition } from '../core/recognition.ts';
import type { Session, StoredSession } from '../core/session.ts';
import type { SessionCookie } from './cookie.ts';
import type { RequestHeaders, StrategyOptions } from './strategy.ts';

export interface Found {
  readonly credential: Credential;
  readonly stored: StoredSession;
  /** False for the credential before, within the grace. */
  readonly isCurrent: boolean;
}

export class PresentedSessions {
  readonly #options: StrategyOptions;
  readonly #cookie: SessionCookie;

  constructor(options: StrategyOptions, cookie: SessionCookie) {
    this.#options = options;
    this.#cookie = cookie;
  }

  async find(headers: RequestHeaders): Promise<Found | AnonymousReason> {
    const presented = this.#cookie.credentialsIn(headers);
    return typeof presented === 'string' ? presented : this.findAmong(presented);
  }

  /** Of several credentials the valid one counts; those of two logins at once are nobody's. */
  findAmong(presented: readonly Credential[]): MaybePromise<Found | AnonymousReason> {
    const [first, second] = presented;
    return first && !second ? this.#ask(first) : this.#choose(presented);
  }

  async #choose(presented: readonly Credential[]): Promise<Found | AnonymousReason> {
    const answers = await Promise.all(presented.map((credential) => this.#ask(credential)));
    const found = answers.filter((answer) => typeof answer !== 'string');
    if (found.some(({ stored }) => stored.id !== found[0]?.stored.id)) return 'malformed';
    return found.find(({ isCurrent }) => isCurrent) ?? found[0] ?? answers[0] ?? 'malformed';
  }

  #ask(credential: Credential): MaybePromise<Found | AnonymousReason> {
    const { store, clock } = this.#options;
    const stored = store.read(credential.id, clock.now());
    return after(stored, (each) => {
      const found = this.#judge(credential, each);
      return found === 'wrong-secret' ? this.#judgeAnew(credential) : found;
    });
  }

  /** A cache may not know yet the rotation, elsewhere, that this secret is from. */
  #judgeAnew(credential: Credential): MaybePromise<Found | AnonymousReason> {
    const { store, clock } = this.#options;
    const reading = store.readPastCache?.(credential.id, clock.now());
    return reading?.then((stored) => this.#judge(credential, stored)) ?? 'wrong-secret';
  }

  #judge(credential: Credential, stored: StoredSession | undefined): Found | AnonymousReason {
    if (stored === undefined) return 'not-found';
    if (credential.matches(stored.secretHash)) return { credential, stored, isCurrent: true };
    if (!credential.matches(stored.previousSecretHash ?? '')) return 'wrong-secret';
    return this.isInGrace(stored) ? { credential, stored, isCurrent: false } : 'superseded';
  }

  /** For rotation. A lone credential goes to the store unasked: it alone knows an old one. */
  async choose(headers: RequestHeaders): Promise<Credential | AnonymousReason> {
    const presented = this.#cookie.credentialsIn(headers);
    if (typeof presented === 'string') return presented;
    const [first, second] = presented;
    if (first && !second) return first;
    const found = await this.findAmong(presented);
    return typeof found === 'string' ? found : found.credential;
  }

  isInGrace({ rotatedAt }: Session): boolean {
    return this.#options.clock.now() < rotatedAt + this.#options.lifetimes.rotationGraceMs;
  }
}

/** An outage on the way to a recognition is its answer. */
export function orUnknown(recognise: () => MaybePromise<Recognition>): MaybePromise<Recognition> {
  try {
    const recognition = recognise();
    return recognition instanceof Promise ? recognition.catch(unknownFor) : recognition;
  } catch (cause) {
    return unknownFor(cause);
  }
}

function unknownFor(cause: unknown): Recognition {
  if (cause instanceof OperatingError) return { kind: 'unknown', cause };
  throw cause;
}
