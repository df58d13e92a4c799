// Counts the controls of the page, as a screen reader hears them, and those that were used: a
// control that is new and that no test uses is found out. Which server, which person, which run it
// is about makes no difference.

import type { Locator, Page } from 'playwright-core';
import { expect } from 'vitest';
import { tour } from '../../dashboard/src/tour.ts';

const roles = 'button|link|radio|checkbox|combobox|slider|spinbutton|textbox|searchbox|switch|tab';
const options = tour.flatMap((step) => Object.values(step.options));

/** What stands for one of many. In this order. */
const same: readonly (readonly [RegExp, string])[] = [
  [/^[a-z-]+-(by-hand|one-server|two-servers)$/, 'a run'],
  [/^Report of .*/, 'Report of a run'],
  [/^Chapter \d+: .*/, 'a chapter'],
  [/^Step \d: .*/, 'a step'],
  [/^\S+( \d)? (cookie|token|not logged in|copy of).*/, 'somebody on the stage'],
  [/\b(alice|bob|carol|dave|erin|frank|mallory)( \d)?\b/g, 'somebody'],
  [/\bs\d+\b/g, 'sN'],
  [/^sN, .*/, 'sN as a tile'],
  [/^sN\b.*/, 'sN on the stage'],
  [/^gateway .*/, 'gateway on the stage'],
  [/^(token|memory|cached|redis|postgres)\b.*/, 'an answer'],
  [/\blane \d/, 'lane N'],
  [/^Colours: .*/, 'Colours'],
];

export class Census {
  readonly #seen = new Set<string>();
  readonly #used = new Set<string>();

  /** Counts all that can be used here and now. */
  async look(page: Page): Promise<void> {
    const snapshot = await page.locator('body').ariaSnapshot();
    const summaries = await page.locator('summary').allInnerTexts();
    for (const each of controlsIn(snapshot)) this.#seen.add(each);
    for (const text of summaries.filter(Boolean)) this.#seen.add(`summary ${text}`);
  }

  /** Uses one, and counts what is there beside it; a click, if nothing else is said. */
  async use(
    control: Locator,
    act: (control: Locator) => Promise<unknown> = (it) => it.click(),
  ): Promise<void> {
    await control.waitFor();
    await this.look(control.page());
    const [name] = controlsIn(await control.ariaSnapshot());
    this.#used.add(name ?? `summary ${await control.innerText()}`);
    await act(control);
  }

  unused(): readonly string[] {
    expect(this.#seen.size).toBeGreaterThan(50);
    return [...this.#seen].filter((each) => !this.#used.has(each)).toSorted();
  }
}

function controlsIn(snapshot: string): readonly string[] {
  const pattern = new RegExp(`^\\s*- '?(${roles})\\b(?: "((?:\\\\.|[^"\\\\])*)")?`, 'gm');
  return [...snapshot.matchAll(pattern)].map(([, role, name = '']) => `${role} ${oneOfMany(name)}`);
}

function oneOfMany(name: string): string {
  if (options.includes(name)) return 'an option of the tour';
  return same.reduce((text, [pattern, word]) => text.replace(pattern, word), name);
}
