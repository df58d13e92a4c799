// Who goes next is decided here, and by nothing else: everything that may happen waits for its
// turn, one is drawn from a seed, and only when it has done all that it can is the next one drawn.
// So the same seed gives the same interleaving, and every order of the steps can come up.

import type { Random } from '../../src/core/random.ts';

/** Far more than any request takes; a run that needs more is going round in circles. */
const stepsMax = 10_000;

export class Scheduler {
  readonly #random: Random;
  readonly #waiting: (() => void)[] = [];

  constructor(random: Random) {
    this.#random = random;
  }

  /** Resolves when the scheduler has drawn this step. */
  turn(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
    });
  }

  /** Draws until nothing waits any more. */
  async run(): Promise<void> {
    for (let steps = 0; steps < stepsMax; steps += 1) {
      await settled();
      if (this.#waiting.length === 0) return;
      const [next] = this.#waiting.splice(this.#random.below(this.#waiting.length), 1);
      next?.();
    }
    throw new Error('the interleaving does not end');
  }
}

/** When every promise that can go on without a turn has gone on. */
const settled = () => new Promise((resolve) => setImmediate(resolve));
