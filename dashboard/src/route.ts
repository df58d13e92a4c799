// Where one is, in the part of the address behind '#', so that every place can be linked to and the
// browser's back button works. Who comes for the first time begins with the tour.

import { computed, signal } from '@preact/signals';

const beenHere = 'sessionlab.been-here';

export type Place =
  | { readonly at: 'tour'; readonly step: number }
  | { readonly at: 'sandbox' }
  | { readonly at: 'runs'; readonly run: string | null };

const hash = signal(location.hash);
addEventListener('hashchange', () => {
  hash.value = location.hash;
  scrollTo({ top: 0 });
});

export const place = computed<Place>(() => placeOf(hash.value));

function placeOf(text: string): Place {
  const [at, rest] = text.replace(/^#\/?/, '').split('/');
  if (at === 'tour') return { at, step: Math.max(1, Number(rest) || 1) };
  if (at === 'runs') return { at, run: rest ? decodeURIComponent(rest) : null };
  if (at === 'sandbox') return { at };
  return localStorage.getItem(beenHere) === null ? { at: 'tour', step: 1 } : { at: 'sandbox' };
}

/** From now on, the sandbox is what opens first. */
export function rememberVisit(): void {
  localStorage.setItem(beenHere, 'yes');
}

export const addresses = {
  sandbox: '#/sandbox',
  runs: '#/runs',
  run: (id: string) => `#/runs/${encodeURIComponent(id)}`,
  tour: (step: number) => `#/tour/${step}`,
} as const;
