// Light, dark, or as the system has it: the choice is kept in the browser, the result is an
// attribute of the document that the style sheet reads.

import { computed, effect, signal } from '@preact/signals';

const wishes = ['system', 'light', 'dark'] as const;
export type Wish = (typeof wishes)[number];

const key = 'sessionlab.theme';
const system = matchMedia('(prefers-color-scheme: dark)');
const systemIsDark = signal(system.matches);

export const wish = signal<Wish>(
  wishes.find((each) => each === localStorage.getItem(key)) ?? 'system',
);

export const theme = computed(() => {
  if (wish.value !== 'system') return wish.value;
  return systemIsDark.value ? 'dark' : 'light';
});

export function nextWish(): void {
  wish.value = wishes[(wishes.indexOf(wish.value) + 1) % wishes.length] ?? 'system';
  localStorage.setItem(key, wish.value);
}

system.addEventListener('change', (event) => {
  systemIsDark.value = event.matches;
});

effect(() => {
  document.documentElement.dataset.theme = theme.value;
});

const still = matchMedia('(prefers-reduced-motion: reduce)');
/** Whoever asks for less motion sees where a request went, but nothing that moves. */
export const isStill = signal(still.matches);
still.addEventListener('change', (event) => {
  isStill.value = event.matches;
});
