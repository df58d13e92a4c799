// A hundred servers and two hundred requests a second leave the browser most of its time, and the
// page as small as it is, for as long as one likes. What is judged is CPU time as the browser
// counts it, and counts: how far frames are apart tells of the machine as well, and is only said.

import { mkdtempDisposable } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { Gauge } from '../../bench/frames.ts';
import { PageFiles } from '../../src/api/page-files.ts';
import { openBrowser, visit } from './browser.ts';
import { Crowd, servers } from './crowd.ts';
import { buildInto, soon } from './ground.ts';

const perSecond = 200;
const lookMs = 3_000;
const sparse = 50;
/** Half of what is left between two frames of a screen that shows sixty a second. */
const msPerFrameMax = 1_000 / 60 / 2;
/** For the words, which follow ten times a second at most, however many frames there are. */
const msForWordsMax = 120;
const heapBytesMax = 16 * 1024 ** 2;
/** What the page knows of one request takes several times that: it keeps nothing for good. */
const bytesPerRequestMax = 64;
/** The newest lines of the log are not always in as many pieces. */
const elementsMore = 20;
/** An element and its text, and as many that were taken out a while ago. */
const nodesPerElementMax = 4;

const ended = new AsyncDisposableStack();
let files: PageFiles;
let browser: Awaited<ReturnType<typeof openBrowser>>;

beforeAll(async () => {
  const room = ended.use(await mkdtempDisposable(join(tmpdir(), 'lab-fluid-')));
  [browser] = await Promise.all([openBrowser(), buildInto(room.path)]);
  ended.use(browser);
  files = new PageFiles(room.path, Promise.resolve());
}, 60_000);

afterAll(() => ended.disposeAsync());

async function open(options: BrowserContextOptions = {}) {
  const crowd = new Crowd(files);
  const page = await visit(browser, `${await crowd.listen()}/#/sandbox`, options);
  await vi.waitFor(async () => expect(await page.locator('.tile').count()).toBe(servers), soon);
  return {
    crowd,
    page,
    gauge: await Gauge.open(page),
    [Symbol.asyncDispose]: () => crowd[Symbol.asyncDispose](),
  };
}

/** Resolves when the page shows all that it was told. */
async function shown(page: Page, crowd: Crowd): Promise<void> {
  const figure = page.getByRole('definition').nth(1);
  await vi.waitFor(async () => expect(await figure.textContent()).toBe(`${crowd.told}`), soon);
}

test.each(['no-preference', 'reduce'] as const)(
  'a crowd leaves most of each frame to spare, motion: %s',
  async (reducedMotion) => {
    await using opened = await open({ reducedMotion });
    const { crowd, page, gauge } = opened;
    crowd.stream(perSecond);
    await vi.waitFor(() => expect(crowd.told).toBeGreaterThan(perSecond), soon);
    const { count, p50, p95, p99, spent } = await gauge.frames(lookMs);
    crowd.stream(0);
    await shown(page, crowd);
    const intervals = [p50, p95, p99].map((each) => each.toFixed(1)).join(', ');
    console.log(
      `${count} frames, p50, p95, p99 ${intervals} ms; CPU ${spent.all.toFixed(0)} ms a second`,
    );
    const framesPerSecond = (count * 1_000) / lookMs;
    expect(spent.all).toBeLessThan(msForWordsMax + framesPerSecond * msPerFrameMax);
  },
);

test('nothing is drawn while nothing moves', async () => {
  await using opened = await open();
  const { crowd, page } = opened;
  const asked = await page.evaluateHandle(() => {
    const ask = requestAnimationFrame;
    const count = { frames: 0 };
    window.requestAnimationFrame = (callback) => {
      count.frames += 1;
      return ask(callback);
    };
    return count;
  });
  const frames = () => asked.evaluate((count) => count.frames);
  crowd.send(perSecond, perSecond);
  await shown(page, crowd);
  expect(await frames()).toBeGreaterThan(0);
  let before = -1;
  await vi.waitFor(async () => {
    const was = before;
    before = await frames();
    await page.waitForTimeout(500);
    expect(before).toBe(was);
  }, soon);
});

test('ten minutes of requests, and ten more, leave the page as large as it was', async () => {
  await using opened = await open();
  const { crowd, page, gauge } = opened;
  const tenMinutes = async () => {
    // Sparser than a stream, so that it takes less time to tell.
    for (let n = 0; n < 60; n += 1) crowd.send(10 * sparse, sparse);
    await shown(page, crowd);
    return gauge.held();
  };
  const first = await tenMinutes();
  const told = crowd.told;
  const second = await tenMinutes();
  const grown = second.heapBytes - first.heapBytes;
  const inMiB = [first, second].map(({ heapBytes }) => (heapBytes / 1024 ** 2).toFixed(2));
  console.log(`${told} requests: ${inMiB.join(' MiB, then ')} MiB, ${second.elements} elements`);
  expect(second.heapBytes).toBeLessThan(heapBytesMax);
  expect(grown).toBeLessThan(bytesPerRequestMax * told);
  expect(Math.abs(second.elements - first.elements)).toBeLessThan(elementsMore);
  expect(second.nodes).toBeLessThan(nodesPerElementMax * second.elements);
});
