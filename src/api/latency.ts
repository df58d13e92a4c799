// How long requests took, in bounded memory: a histogram whose buckets grow by a twelfth, so that a
// quantile is right within that. A value: adding gives another one. Knows nothing of requests.

/** Number of the bucket -> how many. */
export type Latencies = ReadonlyMap<number, number>;

const bucketsPerDoubling = 8;

export const noLatencies: Latencies = new Map();

/** Changes the histogram in place, while its maker still owns it. */
export function note(latencies: Map<number, number>, ms: number): void {
  const bucket = Math.round(Math.log2(Math.max(ms, 0.1)) * bucketsPerDoubling);
  latencies.set(bucket, (latencies.get(bucket) ?? 0) + 1);
}

/** In milliseconds; null when nothing was noted. `q` from 0 to 1. */
export function quantile(latencies: Latencies, q: number): number | null {
  const total = [...latencies.values()].reduce((sum, count) => sum + count, 0);
  let rank = Math.max(1, Math.ceil(q * total));
  for (const [bucket, count] of [...latencies].sort(([a], [b]) => a - b)) {
    rank -= count;
    if (rank <= 0) return 2 ** (bucket / bucketsPerDoubling);
  }
  return null;
}
