// Experiments side by side begin at one moment: each waits here, with everything prepared, until
// all others are as far, or will never be.

/** Left when it is disposed of: then nobody waits for it any more. */
export interface StartingPlace extends Disposable {
  untilAllAreReady(): Promise<void>;
}

export function startingPlaces(count: number): readonly StartingPlace[] {
  const ready = Array.from({ length: count }, () => Promise.withResolvers<void>());
  const all = Promise.all(ready.map(({ promise }) => promise));
  return ready.map(({ resolve }) => ({
    async untilAllAreReady() {
      resolve();
      await all;
    },
    [Symbol.dispose]: resolve,
  }));
}
