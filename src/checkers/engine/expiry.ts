// When policy ends a credential by itself, seen from outside: an interval, because the server's
// moment of issue lies somewhere between a request and its answer. A credential is alive before the
// interval, dead after it, and nobody's business in between. A self-contained credential knows only
// its own expiry; any other lives by the absolute and the idle limit of its session.

import type { Completion, Invocation, RunHeader } from '../../core/history.ts';
import { type Lifetimes, touchIntervalMs } from '../../core/limits.ts';
import type { Exchange } from '../checker.ts';

/** Clocks of one machine agree better than this. Tokens that round to seconds would need 1,000. */
const precisionMs = 50;

/** How a session was used, as far as its idle limit cares. */
export interface Use {
  /** Start of the latest use that certainly counted. */
  surely: number;
  /** Start of the latest login or refresh that certainly counted. */
  renewed: number;
  /** End of the latest use that may have counted. */
  perhaps: number;
  /** Uses under way. */
  open: number;
  /** A use got no answer and may count at any later moment. */
  indefinite: boolean;
}

export interface CredentialFacts {
  /** Between these two moments a self-contained credential expires. */
  readonly expiresFrom: number;
  readonly expiresBy: number;
}

export class Expiry {
  readonly #lifetimes: Lifetimes;
  readonly #selfContained: boolean;

  constructor(run: RunHeader) {
    this.#lifetimes = run.lifetimes;
    this.#selfContained = run.selfContained;
  }

  firstUse({ invocation, completion }: Exchange): Use {
    const { tInv } = invocation;
    return { surely: tInv, renewed: tInv, perhaps: completion.tEnd, open: 0, indefinite: false };
  }

  used(use: Use, invocation: Invocation, completion: Completion): void {
    use.open -= 1;
    use.perhaps = Math.max(use.perhaps, completion.tEnd);
    if (completion.t === 'ok' && completion.seen?.user) {
      use.surely = Math.max(use.surely, invocation.tInv);
      if (invocation.f === 'refresh') use.renewed = use.surely;
    }
    const { status } = completion;
    if (status === null || status === 502 || status === 504) use.indefinite = true;
  }

  issued({ invocation, completion }: Exchange): CredentialFacts {
    const { accessTokenMs, idleMs } = this.#lifetimes;
    return {
      expiresFrom: invocation.tInv + Math.min(accessTokenMs, idleMs),
      expiresBy: completion.tEnd + accessTokenMs,
    };
  }

  /** A refresh begins a new life; any other answer passes on what was left of the old one. */
  reissued(exchange: Exchange, presented: CredentialFacts | undefined): CredentialFacts {
    if (exchange.invocation.f === 'refresh') return this.issued(exchange);
    const { expiresFrom, expiresBy } = presented ?? {
      expiresFrom: Number.NEGATIVE_INFINITY,
      expiresBy: Number.POSITIVE_INFINITY,
    };
    return { expiresFrom, expiresBy };
  }

  /** Whether the credential could have expired by `tEnd`. */
  mayHavePassed(
    { f }: Invocation,
    tEnd: number,
    { login, use }: { readonly login: Exchange; readonly use: Use },
    credential: CredentialFacts | undefined,
  ): boolean {
    const { absoluteMs, idleMs } = this.#lifetimes;
    const latest = tEnd + precisionMs;
    if (latest > login.invocation.tInv + absoluteMs) return true;
    if (this.#selfContained && f !== 'refresh') {
      return latest > (credential?.expiresFrom ?? Number.NEGATIVE_INFINITY);
    }
    const lastSeen = this.#selfContained ? use.renewed : use.surely;
    return latest > lastSeen + idleMs - touchIntervalMs(idleMs);
  }

  /** From when on it has certainly expired, unless it is used again; Infinity when unknown. */
  certainlyPassedAt(
    { f }: Invocation,
    { login, use }: { readonly login: Exchange; readonly use: Use },
    credential: CredentialFacts | undefined,
  ): number {
    const { absoluteMs, idleMs } = this.#lifetimes;
    if (this.#selfContained && f !== 'refresh') {
      return (credential?.expiresBy ?? Number.POSITIVE_INFINITY) + precisionMs;
    }
    const absolute = login.completion.tEnd + absoluteMs;
    const unused = use.open === 0 && !use.indefinite;
    const idle = unused ? use.perhaps + idleMs : Number.POSITIVE_INFINITY;
    return Math.min(absolute, idle) + precisionMs;
  }
}
