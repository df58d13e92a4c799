// Randomness as an argument, for plans that a seed must reproduce. Never used for secrets: those
// come from the operating system (credential.ts).

import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';

export interface Random {
  /** A number in [0, 1). */
  next(): number;
  /** A whole number in [0, below). */
  below(below: number): number;
  /** One of the items, which must not be empty. */
  pick<T>(items: readonly T[]): T;
  /** An independent stream that this label names; drawing from it does not move this one. */
  fork(label: string): Random;
}

/** FNV-1a, 32 bits: spreads a label over the seeds. */
export function hash32(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  }
  return hash >>> 0;
}

export function seededRandom(seed: string): Random {
  const generator = xoroshiro128plus(hash32(seed));
  const next = () => (generator.next() >>> 0) / 0x1_0000_0000;
  const below = (bound: number) => Math.floor(next() * bound);
  return {
    next,
    below,
    pick: (items) => {
      const item = items[below(items.length)];
      if (item === undefined) throw new RangeError('pick needs at least one item');
      return item;
    },
    fork: (label) => seededRandom(`${seed}/${label}`),
  };
}
