// A session written down and sealed, and read back. What was sealed under other rules (another
// service's, longer limits) is judged by those of today; whose cookie it is in, and what becomes of
// it, is not decided here.

import { LRUCache } from 'lru-cache';
import Type from 'typebox';
import { Compile } from 'typebox/compile';
import type { AnonymousReason } from '../core/recognition.ts';
import { expiresAt, type Fields, type Session } from '../core/session.ts';
import { type Sealing, sealingWith } from './sealing.ts';
import type { StrategyOptions } from './strategy.ts';

/** How far the clocks of our servers may differ. */
const clockSkewMs = 5_000;
/** Bounds the memory of unsealed cookies, in characters. */
const cacheCharsMax = 16 * 1024 * 1024;

const Text = Type.String({ minLength: 1 });
const Count = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });
const sealedForm = Compile(
  Type.Object(
    {
      ...{ aud: Text, id: Text, handle: Text, userId: Text, userName: Text },
      ...{ createdAt: Count, lastSeenAt: Count, authenticatedAt: Count, rotatedAt: Count },
      ...{ absoluteExpiresAt: Count, idleExpiresAt: Count },
      ...{ revision: Count, epoch: Count, dataVersion: Count },
      fields: Type.Record(Type.String(), Type.Unknown()),
    },
    { additionalProperties: false },
  ),
);

export interface Held {
  readonly session: Session;
  /** True when the cookie is to be sealed anew at any time: an old key, or several cookies. */
  readonly isStale: boolean;
}

export class SealedSessions {
  readonly #options: StrategyOptions;
  readonly #sealing: Sealing;
  /** What was unsealed once need not be again; the clock is asked each time. */
  readonly #unsealed = new LRUCache<string, Held>({
    maxSize: cacheCharsMax,
    sizeCalculation: (_, text) => text.length,
  });

  /** @throws OperatingError `unfit-key` */
  constructor(options: StrategyOptions) {
    this.#options = options;
    this.#sealing = sealingWith(options.sealingKeys);
  }

  write(session: Session): string {
    return this.#sealing.seal(JSON.stringify({ aud: this.#options.audience, ...session }));
  }

  read(text: string): Held | AnonymousReason {
    const held = this.#unsealed.get(text) ?? this.#unseal(text);
    if (typeof held === 'string') return held;
    const now = this.#options.clock.now();
    if (now >= expiresAt(held.session)) return 'expired';
    return held.session.lastSeenAt > now + clockSkewMs ? 'wrong-claims' : held;
  }

  /** Whose it is or was, whatever the time. */
  sessionIn(text: string): Session | undefined {
    const held = this.#unsealed.get(text) ?? this.#unseal(text);
    return typeof held === 'string' ? undefined : held.session;
  }

  /**
   * What was sealed under longer limits keeps to those of today. It keeps its own absolute limit,
   * so that whoever ends it ends it also for servers that have the longer limits still.
   */
  idleEndOf({ createdAt, lastSeenAt }: Pick<Session, 'createdAt' | 'lastSeenAt'>): number {
    const { idleMs, absoluteMs } = this.#options.lifetimes;
    return Math.min(lastSeenAt + idleMs, createdAt + absoluteMs);
  }

  #unseal(text: string): Held | AnonymousReason {
    const unsealed = this.#sealing.unseal(text);
    if (typeof unsealed === 'string') return unsealed;
    const content = frozen(unsealed.text);
    if (!sealedForm.Check(content) || content.aud !== this.#options.audience) return 'wrong-claims';
    const { aud: _, fields, ...rest } = content;
    const session = Object.freeze({
      ...rest,
      // JSON by construction: it was parsed from a text.
      fields: fields as Fields,
      idleExpiresAt: Math.min(rest.idleExpiresAt, this.idleEndOf(rest)),
    });
    const held = { session, isStale: !unsealed.byFirstKey };
    this.#unsealed.set(text, held);
    return held;
  }

  /** Bound to the login, and to when its cookie was last replaced for more than its use. */
  formToken(session: Session): string {
    return this.#sealing.stamp(formOf(session));
  }

  isFormToken(token: string, session: Session): boolean {
    return this.#sealing.isStamp(token, formOf(session));
  }
}

/** Undefined for what is no JSON: our keys may serve others as well. */
function frozen(text: string): unknown {
  try {
    return JSON.parse(text, (_, value) => Object.freeze(value));
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function formOf({ id, rotatedAt }: Session): string {
  return `${id}.${rotatedAt}`;
}
