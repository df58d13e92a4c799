// The lanes of the sandbox. The tour puts its own in their place: whoever comes back from it finds,
// begun anew, what was chosen here last, or what the lab begins with.

import { signal, untracked } from '@preact/signals';
import type { LaneWish } from '../../../src/api/contract.ts';
import { choices } from '../live.ts';
import { give } from '../orders.ts';
import { place } from '../route.ts';

export const chosen = signal<readonly LaneWish[] | null>(null);

let areOfTour = false;

/** An effect. */
export function standAgain(): void {
  const { at } = place.value;
  if (at === 'tour') areOfTour = true;
  if (at !== 'sandbox' || !areOfTour || choices.value === null) return;
  areOfTour = false;
  const lanes = chosen.peek() ?? choices.value.first;
  untracked(() => void give({ do: 'open', lanes }));
}
