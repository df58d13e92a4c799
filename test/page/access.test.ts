// The page for whoever sees it otherwise, or uses it otherwise: every view by the rules that axe
// knows; without a mouse; with less motion; and nothing that has to be scrolled for sideways. The
// steps of the tour and an experiment are put to axe where they are walked.

import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Ground, longMs, openGround } from './ground.ts';
import { violationsIn } from './violations.ts';

let ground: Ground;

beforeAll(async () => {
  ground = await openGround([
    { answer: 'memory', policy: 'round-robin', servers: 2 },
    { answer: 'postgres', policy: 'round-robin', servers: 2 },
  ]);
}, longMs);

afterAll(() => ground?.[Symbol.asyncDispose](), longMs);

test(
  'axe finds nothing against the sandbox, whatever is open in it',
  async () => {
    const page = await ground.visit('#/sandbox');
    const press = (name: string | RegExp) => page.getByRole('button', { name }).first().click();
    for (const name of ['Log in', 'Send one', 'Steal', 'Kill s2', /^s1 /]) await press(name);
    await page.getByRole('button', { name: 'Start s2' }).first().waitFor();
    const found = [...(await violationsIn(page, 'sandbox'))];
    for (const name of ['postgres', 'Choose answers']) await press(name);
    found.push(...(await violationsIn(page, 'choosing answers')));
    for (const name of [/^gateway/, 'Run an experiment']) await press(name);
    found.push(...(await violationsIn(page, 'choosing an experiment')));
    await press('Start s2');
    expect(found).toEqual([]);
  },
  longMs,
);

test(
  'axe finds nothing against recorded runs and chapters',
  async () => {
    const page = await ground.visit('#/runs');
    const run = page.getByRole('link', { name: 'memory-by-hand' });
    await run.waitFor();
    const found = [...(await violationsIn(page, 'runs'))];
    await run.click();
    await page.getByRole('button', { name: 'Step ›' }).click();
    found.push(...(await violationsIn(page, 'a recorded run')));
    await page.goto(`${ground.url}/lab/chapters/03-stateful-in-memory`);
    found.push(...(await violationsIn(page, 'a chapter')));
    expect(found).toEqual([]);
  },
  longMs,
);

/** Presses Tab until what has the focus is called so. */
async function tabTo(page: Page, role: 'button' | 'radio' | 'link', name: string): Promise<void> {
  const wanted = page.getByRole(role, { name, exact: true }).first();
  await wanted.waitFor();
  for (let presses = 0; presses < 80; presses += 1) {
    if (await wanted.evaluate((element) => element === document.activeElement)) return;
    await page.keyboard.press('Tab');
  }
  expect.unreachable(`Tab never comes to ${role} ${name}`);
}

test(
  'a step of the tour and a kill need no mouse',
  async () => {
    const page = await ground.visit('#/tour/1');
    await ground.ready();
    await tabTo(page, 'radio', 'All three times');
    await page.keyboard.press('Space');
    const go = page.getByRole('button', { name: 'See what happens' });
    await expect.poll(() => go.isEnabled()).toBe(true);
    await tabTo(page, 'button', 'See what happens');
    await page.keyboard.press('Enter');
    await page.getByText('As you expected.').waitFor();
    await tabTo(page, 'link', 'Next ›');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Two servers' }).waitFor();
    await expect.poll(() => ground.views()[0]?.servers.length).toBe(2);
    await ground.ready();

    await tabTo(page, 'link', 'Skip the tour');
    await page.keyboard.press('Enter');
    await expect.poll(() => ground.views().length).toBe(3);
    await ground.ready();
    await tabTo(page, 'button', 'Kill s1');
    const { pid } = ground.view('a').servers[0] ?? {};
    await page.keyboard.press('Enter');
    const isThere = () => {
      try {
        return process.kill(pid ?? 0, 0);
      } catch (error) {
        expect(error).toMatchObject({ code: 'ESRCH' });
        return false;
      }
    };
    await expect.poll(isThere).toBe(false);
  },
  longMs,
);

/** Where discs were drawn above the stage, while a login went its way. */
async function placesDrawn(reducedMotion: 'reduce' | 'no-preference'): Promise<number> {
  const page = await ground.visit('#/runs', { reducedMotion });
  await page.addInitScript(() => {
    const places = new Set<string>();
    const { arc } = CanvasRenderingContext2D.prototype;
    CanvasRenderingContext2D.prototype.arc = function drawn(x, y, ...more) {
      if (this.canvas.className === 'moving') places.add(`${Math.round(x)} ${Math.round(y)}`);
      document.documentElement.dataset.places = `${places.size}`;
      arc.call(this, x, y, ...more);
    };
  });
  await page.reload();
  await page.goto(`${ground.url}/#/sandbox`);
  await page.getByRole('button', { name: 'Log in' }).click();
  const places = () => page.evaluate(() => Number(document.documentElement.dataset.places));
  await expect.poll(places).toBeGreaterThan(0);
  await page.getByRole('list', { name: 'remembers' }).first().waitFor();
  const stillMs = 1_500;
  await page.evaluate((ms) => new Promise((resolve) => setTimeout(resolve, ms)), stillMs);
  return await places();
}

test(
  'what moves, moves; and stands still for whoever asks for less motion',
  async () => {
    expect(await placesDrawn('no-preference')).toBeGreaterThan(8);
    expect(await placesDrawn('reduce')).toBeLessThan(6);
  },
  longMs,
);

test(
  'nothing has to be scrolled for sideways on a screen of 360 pixels',
  async () => {
    const page = await ground.visit('#/sandbox', { viewport: { width: 360, height: 640 } });
    const wide: string[] = [];
    const measure = async (where: string) => {
      const width = await page.evaluate(() => document.documentElement.scrollWidth);
      if (width > 360) wide.push(`${where}: ${width}`);
    };
    for (const name of ['Log in', /^s1 /, /^gateway/, 'Choose answers', 'Run an experiment']) {
      await page.getByRole('button', { name }).first().click();
      await measure(`sandbox, ${name}`);
    }
    for (const place of ['runs', 'tour/1', 'tour/7']) {
      await page.goto(`${ground.url}/#/${place}`);
      await page.getByRole('heading', { level: 1 }).waitFor();
      await ground.ready();
      await measure(place);
    }
    expect(wide).toEqual([]);
  },
  longMs,
);
