// The tour as somebody walks it who is here for the first time and finds things by what they are
// called, as a screen reader does: each step is predicted, carried out by real servers, and shows
// what was expected beside what was measured, which is what was recorded.

import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { markWords } from '../../dashboard/src/fate.tsx';
import { type Measured, type TourStep, tour } from '../../dashboard/src/tour.ts';
import type { LaneId } from '../../src/api/contract.ts';
import { advance, emptyStage, markOf, marks, noTally, type Tally } from '../../src/api/stage.ts';
import { type Ground, longMs, openGround } from './ground.ts';
import { violationsIn } from './violations.ts';

let ground: Ground;

beforeAll(async () => {
  ground = await openGround([{ answer: 'memory', policy: 'round-robin', servers: 1 }]);
}, longMs);

afterAll(() => ground?.[Symbol.asyncDispose](), longMs);

test(
  'a first visit leads through seven experiments to the sandbox, each without barriers',
  async () => {
    const page = await ground.visit();
    await hurry(page);
    const found: string[] = [];
    for (const [n, step] of tour.entries()) {
      const text = page.getByRole('article', { name: `Step ${n + 1} of ${tour.length}` });
      await text.getByRole('heading', { name: step.title }).waitFor();
      const options = Object.values(step.options);
      const guess = options[n % options.length] ?? '';
      const question = text.getByRole('group', { name: step.question });
      expect(await question.getByRole('radio').count()).toBe(options.length);
      await question.getByRole('radio', { name: guess, exact: true }).check();
      await text.getByRole('button', { name: 'See what happens' }).click();
      const result = text.getByRole('status', { name: 'What happened' });
      await result.waitFor();
      const [expected, ...shown] = await result.getByRole('definition').allInnerTexts();
      const recorded = await Promise.all(ground.views().map(({ id }) => lastOf(id, step)));
      expect(expected).toBe(guess);
      expect(shown.map(bare)).toEqual(recorded.map((tally, lane) => bare(said(tally, lane, step))));
      const right = step.settle(measuredBy(step, recorded)) ?? expect.unreachable(step.title);
      const judged =
        step.options[right] === guess
          ? '✓ As you expected.'
          : `Not as you expected. ${step.options[right]}.`;
      expect(await result.getByRole('paragraph').first().innerText()).toBe(judged);
      found.push(...(await violationsIn(page, step.title)));
      await text.getByRole('link', { name: /^(Next|To the sandbox)/ }).click();
    }
    const sandbox = page.getByRole('region', { name: 'What people do' });
    await sandbox.waitFor();
    await page.goto(ground.url);
    await sandbox.waitFor();
    expect(found).toEqual([]);
  },
  longMs,
);

/** Pauses that are for whoever reads along are short, what servers do takes as long as it takes. */
async function hurry(page: Page): Promise<void> {
  await page.addInitScript(`
    const real = setTimeout;
    globalThis.setTimeout = (work, ms, ...more) => real(work, ms / 10, ...more);
  `);
  await page.reload();
}

/** How the requests that the step measures ended in a lane, as its history has it. */
async function lastOf(id: LaneId, step: TourStep): Promise<Tally> {
  const { arrived } = advance(emptyStage, await ground.history(id));
  const last = arrived.slice(-step.acts.length);
  const counts = marks.map((mark) => [mark, last.filter((each) => markOf(each) === mark).length]);
  return { ...noTally, ...Object.fromEntries(counts) };
}

function measuredBy(step: TourStep, tallies: readonly Tally[]): Measured {
  const entries = step.lanes.map(({ answer }, n) => [answer, tallies[n] ?? noTally]);
  return { token: noTally, memory: noTally, shared: noTally, ...Object.fromEntries(entries) };
}

function said(tally: Tally, lane: number, step: TourStep): string {
  const whose = step.lanes.length > 1 ? `${ground.views()[lane]?.answer} ` : '';
  const counted = marks.filter((mark) => tally[mark] > 0);
  return `${whose}${counted.map((mark) => `${markWords[mark].glyph} ${tally[mark]} ${markWords[mark].word}`).join('')}`;
}

/** How far words stand apart is a matter of style. */
const bare = (text: string) => text.replaceAll(/\s/g, '');
