// A moment by two clocks, as neither says for sure how long ago it was: the steady one stands still
// while a machine sleeps, the other may be set back. Whichever says more counts, so that whoever
// wakes up does not trust what they knew before.

export interface Moment {
  readonly steadyMs: number;
  readonly wallMs: number;
}

export const never: Moment = {
  steadyMs: Number.NEGATIVE_INFINITY,
  wallMs: Number.NEGATIVE_INFINITY,
};

export const justNow = (): Moment => ({ steadyMs: performance.now(), wallMs: Date.now() });

export function ageMsOf({ steadyMs, wallMs }: Moment): number {
  return Math.max(performance.now() - steadyMs, Date.now() - wallMs);
}
