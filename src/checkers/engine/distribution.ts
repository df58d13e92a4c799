// Many durations in little memory: counts in buckets that are one per cent wide, so a percentile is
// right within one per cent however long the run. The extremes are kept exactly.

const growth = Math.log(1.01);

export class Distribution {
  readonly #buckets: number[] = [];
  #count = 0;
  #least = Number.POSITIVE_INFINITY;
  #most = 0;

  add(ms: number): void {
    const value = Math.max(0, ms);
    const bucket = Math.round(Math.log1p(value) / growth);
    this.#buckets[bucket] = (this.#buckets[bucket] ?? 0) + 1;
    this.#count += 1;
    this.#least = Math.min(this.#least, value);
    this.#most = Math.max(this.#most, value);
  }

  get most(): number {
    return this.#most;
  }

  /** The value that this share of all does not exceed (nearest rank); 0 when there is none. */
  percentile(share: number): number {
    const rank = Math.max(1, Math.ceil(share * this.#count));
    if (rank === this.#count) return this.#most;
    let passed = 0;
    for (const [bucket, held] of this.#buckets.entries()) {
      passed += held ?? 0;
      if (passed < rank) continue;
      return Math.min(this.#most, Math.max(this.#least, Math.expm1(bucket * growth)));
    }
    return 0;
  }
}
