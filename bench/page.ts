// Is the live page fluid, and does it stay as small as it is? One lane of it has a hundred servers
// and is sent two hundred requests a second, by the page's own orders; real Chromium looks at it.
// An empty page beside it tells what this machine can do at all.

import { mkdtempDisposable } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type Browser, chromium, type Page } from 'playwright-core';
import type { Order } from '../src/api/contract.ts';
import { type OpenPage, openPage } from '../src/api/open-page.ts';
import { findChromium } from '../tools/chromium.ts';
import { type Frames, Gauge } from './frames.ts';

/** Which needs no store: what this machine has is for servers and browser. */
const answer = 'token';
const servers = 100;
const perSecond = 200;
const minuteMs = 60_000;
const visits = 5;
const place = '/#/sandbox';
const viewport = { width: 1280, height: 900 };
const devices = ['', ' 2'];

interface PageWish {
  /** For how long frames are looked at. */
  readonly seconds: number;
  /** For how long memory is looked at, once a minute; 0: not at all. */
  readonly minutes: number;
  readonly json: boolean;
}

export async function measurePage({ seconds, minutes, json }: PageWish): Promise<void> {
  const executablePath = findChromium();
  if (executablePath === undefined) {
    console.log('The page: NOT MEASURED. There is no Chromium: npm run setup provides it');
    return;
  }
  const say = (text: string) => json || console.log(text);
  const browser = await chromium.launch({ executablePath });
  await using stack = new AsyncDisposableStack();
  stack.defer(() => browser.close());
  const lab = await openLanes(stack);
  const ms = seconds * 1_000;

  say(`${answer}, ${servers} servers, ${perSecond} requests a second, ${seconds} s each`);
  say('                        frames   p50 ms   p95   p99   > 33 ms   long tasks   CPU ms/frame');
  const idle = await ofEmptyPage(browser, ms);
  say(rowOf('an empty page', idle));
  const openings = [];
  while (openings.length < visits) openings.push(await openingOf(browser, lab.url));
  const [opened] = openings
    .toSorted((one, other) => one.paintMs - other.paintMs)
    .slice(Math.floor(visits / 2));
  const page = await browser.newPage({ viewport });
  await page.goto(lab.url + place);
  await play(page);
  const beside = await ofEmptyPage(browser, ms);
  say(rowOf('an empty page, beside', beside));
  const gauge = await Gauge.open(page);
  const stage = await gauge.frames(ms);
  say(rowOf('the stage', stage));
  const { all, script, style, layout } = stage.spent;
  const parts = [script, style, layout].map((each) => each.toFixed(0)).join(', ');
  say(`CPU of the main thread: ${all.toFixed(0)} ms a second; script, style, layout: ${parts}`);
  if (opened !== undefined) {
    const { paintMs, cpuMs, scriptBytes } = opened;
    say(`First paint after ${paintMs.toFixed(0)} ms (median of ${visits} visits),`);
    say(`of them ${cpuMs.toFixed(0)} ms CPU of the main thread; ${scriptBytes} bytes of script`);
  }
  const series = [];
  if (minutes > 0) say('minute   answered   heap MiB   elements   DOM nodes   CPU ms/s');
  for (let minute = 0; minute <= minutes && minutes > 0; minute += 1) {
    const { all: cpuMs } = await gauge.spent(minute === 0 ? 5_000 : minuteMs);
    const answered = lab.lanes.all()[0]?.seen().arrivals ?? 0;
    const { heapBytes, elements, nodes } = await gauge.held();
    series.push({ minute, answered, heapBytes, elements, nodes, cpuMs });
    const [heap, cpu] = [(heapBytes / 1024 ** 2).toFixed(2), cpuMs.toFixed(0)];
    const cells = [`${answered}`, heap, `${elements}`, `${nodes}`, cpu];
    say(`${minute}`.padStart(6) + cells.map((cell) => cell.padStart(11)).join(''));
  }
  if (json) console.log(JSON.stringify({ idle, beside, stage, opened, series }));
}

/** Resolves when every server serves. */
async function openLanes(stack: AsyncDisposableStack): Promise<OpenPage> {
  const room = stack.use(await mkdtempDisposable(join(tmpdir(), 'bench-page-')));
  const ending = new AbortController();
  const lab = stack.use(
    await openPage({
      ...{ port: 0, host: '127.0.0.1', results: room.path, admission: {}, signal: ending.signal },
      lanes: [{ answer, policy: 'round-robin', servers }],
      onTrouble: (error) => console.error(error),
    }),
  );
  stack.defer(() => ending.abort());
  await lab.begun;
  for (let state = ''; state !== 'ready'; ) {
    await delay(100);
    const view = lab.lanes.all()[0]?.view();
    if (view?.state === 'failed') throw new Error(view.trouble);
    state = view?.state ?? '';
  }
  return lab;
}

async function play(page: Page): Promise<void> {
  for (const user of ['alice', 'bob', 'carol', 'dave', 'erin', 'frank']) {
    for (const device of devices) {
      await order(page, { do: 'log-in', client: `${user}${device}`, user });
    }
  }
  await order(page, { do: 'stream', perSecond });
  await delay(3_000);
}

async function order(page: Page, what: Order): Promise<void> {
  const status = await page.evaluate(async (body) => {
    const headers = { 'content-type': 'application/json' };
    return (await fetch('/lab/orders', { method: 'POST', headers, body })).status;
  }, JSON.stringify(what));
  if (status !== 200) throw new Error(`${what.do} was answered with ${status}`);
}

async function ofEmptyPage(browser: Browser, ms: number): Promise<Frames> {
  const page = await browser.newPage({ viewport });
  const frames = await (await Gauge.open(page)).frames(ms);
  await page.close();
  return frames;
}

/** Somebody comes who was never here before. */
async function openingOf(browser: Browser, url: string) {
  const page = await browser.newPage({ viewport });
  const gauge = await Gauge.open(page);
  await page.goto(url + place);
  await page.locator('.stage').waitFor();
  const cpuMs = await gauge.spentSoFar();
  const seen = await page.evaluate(() => {
    const scripts = performance
      .getEntriesByType('resource')
      .filter((each) => each instanceof PerformanceResourceTiming)
      .filter(({ name }) => name.endsWith('.js'));
    const [paint] = performance.getEntriesByName('first-contentful-paint');
    return {
      paintMs: paint?.startTime ?? Number.NaN,
      scriptBytes: scripts.reduce((sum, { encodedBodySize }) => sum + encodedBodySize, 0),
    };
  });
  await page.close();
  return { ...seen, cpuMs };
}

function rowOf(name: string, frames: Frames): string {
  const { count, p50, p95, p99, slowShare, longTasks, msPerFrame } = frames;
  const ms = [p50.toFixed(1).padStart(9), p95.toFixed(0).padStart(6), p99.toFixed(0).padStart(6)];
  const slow = `${(100 * slowShare).toFixed(1)} %`.padStart(10);
  const tasks = `${longTasks}`.padStart(13) + msPerFrame.toFixed(2).padStart(15);
  return `${name.padEnd(22)}${`${count}`.padStart(8)}${ms.join('')}${slow}${tasks}`;
}
