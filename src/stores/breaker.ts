// A circuit breaker (M. Nygard, Release It!): after failures in a row a machine is left alone, so
// that nobody waits for it; after a rest a single probe asks whether it is back. It holds no timer
// and asks nobody: whoever uses it says what happened, and the clock is an argument.

export type BreakerState = 'closed' | 'open' | 'half-open';

export interface BreakerOptions {
  /** How many failures in a row open it. */
  readonly failuresMax: number;
  /** The first rest; each failed probe doubles it, up to the most. */
  readonly restMs: number;
  readonly restMsMax: number;
  /** Milliseconds that never run backwards. */
  readonly clock?: () => number;
}

export class Breaker {
  readonly #options: BreakerOptions;
  readonly #clock: () => number;
  #state: BreakerState = 'closed';
  #failures = 0;
  #restMs: number;
  #restsUntil = 0;

  constructor(options: BreakerOptions) {
    this.#options = options;
    this.#clock = options.clock ?? (() => performance.now());
    this.#restMs = options.restMs;
  }

  get state(): BreakerState {
    return this.#state;
  }

  /** How long until a probe is let through; 0 when one is. */
  get restLeftMs(): number {
    return this.#state === 'open' ? Math.max(0, this.#restsUntil - this.#clock()) : 0;
  }

  /** Whether to try now. Who was let through tells how it went: it may be the probe. */
  admits(): boolean {
    if (this.#state === 'open' && this.restLeftMs === 0) {
      this.#state = 'half-open';
      return true;
    }
    return this.#state === 'closed';
  }

  succeeded(): void {
    this.#state = 'closed';
    this.#failures = 0;
    this.#restMs = this.#options.restMs;
  }

  failed(): void {
    if (this.#state === 'open') return;
    this.#failures += 1;
    const wasProbe = this.#state === 'half-open';
    if (!wasProbe && this.#failures < this.#options.failuresMax) return;
    this.#state = 'open';
    this.#restsUntil = this.#clock() + this.#restMs;
    this.#restMs = Math.min(2 * this.#restMs, this.#options.restMsMax);
  }
}
