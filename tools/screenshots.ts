// `npm run screenshots [folder] [part of a name]`: the page in every state worth looking at, on
// narrow, usual and wide screens, light and dark. It is the real page with real servers, walked as
// people walk it, so each picture is what somebody would see; Redis has to be there. Whether it is
// good, eyes decide.

import { mkdirSync, mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium, type Locator, type Page } from 'playwright-core';
import type { Order } from '../src/api/contract.ts';
import { openPage } from '../src/api/open-page.ts';
import { findChromium } from './chromium.ts';

const screens = [
  { width: 390, height: 844 },
  { width: 1280, height: 800 },
  { width: 1920, height: 1080 },
];
const schemes = ['light', 'dark'] as const;
const patienceMs = 120_000;

/** Colours follow in the next frame, and not at once. */
const atRest = `new Promise((done) => requestAnimationFrame(() => setTimeout(done))).then(() =>
  Promise.allSettled(document.getAnimations().map(({ finished }) => finished)))`;

const [folder = 'results/screenshots', only = ''] = process.argv.slice(2);
mkdirSync(folder, { recursive: true });

/** One after the other; each begins where the one before it ended. */
const stops: ReadonlyArray<readonly [string, (page: Page) => Promise<unknown>]> = [
  ...Array.from({ length: 7 }, (_, n) => [
    [`tour-${n + 1}-asked`, (page: Page) => askTour(page, n + 1)] as const,
    [`tour-${n + 1}-measured`, measureTour] as const,
  ]).flat(),
  ['sandbox-at-rest', openSandbox],
  ['sandbox-choosing', (page) => press(page, 'Choose answers')],
  ['sandbox-in-use', useSandbox],
  ['sandbox-picked', (page) => page.getByRole('button', { name: 'gateway' }).first().click()],
  ['sandbox-in-trouble', troubleSandbox],
  ['sandbox-crowd', openCrowd],
  ['experiment-asked', askExperiment],
  ['experiment-measured', measureExperiment],
  ['runs', (page) => go(page, 'runs', page.locator('.runs li'))],
  ['replay', replay],
  ['chapter', openChapter],
];

const results = mkdtempSync(join(tmpdir(), 'sessionlab-screenshots-'));
const browser = await chromium.launch({
  executablePath: findChromium() ?? '',
  args: process.getuid?.() === 0 ? ['--no-sandbox'] : [],
});
try {
  await using lab = await openPage({
    ...{ port: 0, host: '127.0.0.1', results, admission: {} },
    signal: new AbortController().signal,
    onTrouble: console.error,
  });
  const page = await browser.newPage({ baseURL: lab.url });
  page.setDefaultTimeout(patienceMs);
  page.on('console', (message) => {
    if (message.type() === 'error') console.error(`✗ ${message.text()}`);
  });
  await page.goto('/#/tour/1');
  for (const [name, walk] of stops) {
    await page.setViewportSize(screens[1] ?? { width: 0, height: 0 });
    await walk(page);
    if (name.includes(only)) await picture(page, name);
  }
  await page.close();
} finally {
  await browser.close();
  await rm(results, { recursive: true, force: true });
}

async function picture(page: Page, name: string): Promise<void> {
  for (const screen of screens) {
    await page.setViewportSize(screen);
    if (screen.width < 500) {
      const height = await page.evaluate('document.documentElement.scrollHeight');
      await page.setViewportSize({ ...screen, height: Number(height) });
    }
    for (const colorScheme of schemes) {
      await page.emulateMedia({ colorScheme });
      await page.evaluate('scrollTo(0, 0)');
      await page.evaluate(atRest);
      const path = join(folder, `${name}-${screen.width}-${colorScheme}.png`);
      await page.screenshot({ path, animations: 'disabled' });
    }
  }
  console.log(`✓ ${name}`);
}

async function askTour(page: Page, step: number): Promise<void> {
  await go(page, `tour/${step}`, page.getByText(`Step ${step} of 7`));
  await page.getByRole('radio').first().check();
  await enabled(page.getByRole('button', { name: 'See what happens' }));
}

async function measureTour(page: Page): Promise<void> {
  await press(page, 'See what happens');
  await page.locator('.result').waitFor();
}

async function openSandbox(page: Page): Promise<void> {
  await go(page, 'sandbox', page.locator('.lane.ready').first());
  await order(page, {
    do: 'open',
    lanes: (['token', 'memory', 'redis'] as const).map((answer) => ({
      ...{ answer, policy: 'round-robin', servers: 2 },
    })),
  });
  await page.locator('.lane.ready').nth(2).waitFor();
  await enabled(page.getByRole('button', { name: 'Log in' }));
}

async function useSandbox(page: Page): Promise<void> {
  await press(page, 'Choose answers');
  for (const name of ['alice', 'bob', 'carol']) {
    await page.locator('.dock .person', { hasText: name }).click();
    await press(page, 'Log in');
    for (let n = 0; n < 3; n += 1) await press(page, 'Send one');
  }
  await page.locator('.strips dd').nth(30).waitFor();
}

async function troubleSandbox(page: Page): Promise<void> {
  await press(page, 'Close gateway');
  await order(page, { do: 'stream', perSecond: 10 });
  await page.locator('.charts rect').nth(9).waitFor();
  await order(page, { do: 'kill', server: 's2', lane: 'b' });
  await order(page, { do: 'refuse', link: 'store', lane: 'c' });
  await page.locator('.caption.refused').waitFor();
  await page.locator('.charts .band').nth(1).waitFor();
  await page.locator('.charts rect.refused').nth(5).waitFor({ state: 'attached' });
}

async function openCrowd(page: Page): Promise<void> {
  const policy = 'round-robin';
  await order(page, { do: 'open', lanes: [{ answer: 'redis', policy, servers: 20 }] });
  await page.locator('.lanes-1 .lane.ready .tile').nth(19).waitFor();
  await press(page, 'Log in');
  await order(page, { do: 'stream', perSecond: 50 });
  await page.locator('.tile.known').nth(15).waitFor();
}

async function askExperiment(page: Page): Promise<void> {
  await order(page, { do: 'stream', perSecond: 0 });
  await press(page, 'Run an experiment');
  await page.getByLabel('experiment').selectOption('two-servers');
  await page.getByText('What do you expect?').waitFor();
}

async function measureExperiment(page: Page): Promise<void> {
  const guesses = await page.getByRole('radio', { name: 'every promise holds' }).all();
  for (const guess of guesses) await guess.check();
  await press(page, 'Run it');
  await page
    .locator('.lane.done')
    .nth(guesses.length - 1)
    .waitFor();
}

async function replay(page: Page): Promise<void> {
  await page.getByRole('link', { name: 'memory-two-servers' }).first().click();
  await page.getByRole('slider').waitFor();
  await page.getByRole('slider').fill('60');
  await press(page, 'Step ›');
}

async function openChapter(page: Page): Promise<void> {
  await page.goto('/lab/chapters/03-stateful-in-memory');
}

async function go(page: Page, place: string, there: Locator): Promise<void> {
  await page.goto(`/#/${place}`);
  await there.first().waitFor();
}

function press(page: Page, name: string): Promise<void> {
  return page.getByRole('button', { name, exact: true }).first().click();
}

/** A trial click waits for what it takes to click. */
function enabled(button: Locator): Promise<void> {
  return button.click({ trial: true });
}

async function order(page: Page, data: Order): Promise<void> {
  const answer = await page.request.post('/lab/orders', { data });
  if (!answer.ok()) throw new Error(`${data.do}: ${await answer.text()}`);
}
