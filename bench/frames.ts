// What a page costs its browser while it is looked at: how far its frames are apart, and the CPU
// time that its main thread spends, by the browser's own account. Frames tell of the machine as
// well; CPU time is the page's alone, however busy the machine is.

import { setTimeout as delay } from 'node:timers/promises';
import type { CDPSession, Page } from 'playwright-core';

/** Milliseconds of CPU time of the main thread, within one second. */
export interface Spent {
  readonly all: number;
  readonly script: number;
  readonly style: number;
  readonly layout: number;
}

export interface Frames {
  readonly count: number;
  /** Between one frame and the next, in milliseconds. */
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  /** Of the intervals, those above 33 ms: two frames of a screen, or more. */
  readonly slowShare: number;
  /** Tasks of more than 50 ms. */
  readonly longTasks: number;
  readonly spent: Spent;
  /** CPU time of the main thread for each frame. */
  readonly msPerFrame: number;
}

export interface Held {
  readonly heapBytes: number;
  /** Of all that is kept, whether it is in the document or was taken out of it. */
  readonly nodes: number;
  /** In the document. */
  readonly elements: number;
}

export class Gauge {
  readonly #page: Page;
  readonly #session: CDPSession;

  private constructor(page: Page, session: CDPSession) {
    this.#page = page;
    this.#session = session;
  }

  static async open(page: Page): Promise<Gauge> {
    const session = await page.context().newCDPSession(page);
    await session.send('Performance.enable', { timeDomain: 'threadTicks' });
    return new Gauge(page, session);
  }

  /** Asks for every frame, so that there are as many as this machine can give. */
  async frames(ms: number): Promise<Frames> {
    const watching = this.#page.evaluate(watchFrames, ms);
    const spent = await this.spent(ms);
    const { intervals, longTasks } = await watching;
    const sorted = intervals.toSorted((one, other) => one - other);
    const at = (share: number) => sorted[Math.floor(share * sorted.length)] ?? Number.NaN;
    return {
      count: intervals.length,
      ...{ p50: at(0.5), p95: at(0.95), p99: at(0.99) },
      slowShare: intervals.filter((each) => each > 33).length / intervals.length,
      longTasks,
      spent,
      msPerFrame: (spent.all * ms) / 1_000 / intervals.length,
    };
  }

  /** Asks for nothing but what the page does anyway. */
  async spent(ms: number): Promise<Spent> {
    const before = await this.#metrics();
    await delay(ms);
    const after = await this.#metrics();
    const between = (name: string) => after(name) - before(name);
    const of = (name: string) => (between(name) * 1_000) / between('Timestamp');
    return {
      all: of('TaskDuration'),
      script: of('ScriptDuration'),
      style: of('RecalcStyleDuration'),
      layout: of('LayoutDuration'),
    };
  }

  /** CPU time of the main thread since the gauge was opened, in milliseconds. */
  async spentSoFar(): Promise<number> {
    return (await this.#metrics())('TaskDuration') * 1_000;
  }

  /** What is left when all that can be thrown away was. */
  async held(): Promise<Held> {
    await this.#session.send('HeapProfiler.collectGarbage');
    const now = await this.#metrics();
    const elements = await this.#page.evaluate(() => document.querySelectorAll('*').length);
    return { heapBytes: now('JSHeapUsedSize'), nodes: now('Nodes'), elements };
  }

  async #metrics(): Promise<(name: string) => number> {
    const { metrics } = await this.#session.send('Performance.getMetrics');
    const values = new Map(metrics.map(({ name, value }) => [name, value]));
    return (name) => values.get(name) ?? Number.NaN;
  }
}

/** Runs in the page. */
function watchFrames(ms: number): Promise<{ intervals: number[]; longTasks: number }> {
  return new Promise((resolve) => {
    const intervals: number[] = [];
    let longTasks = 0;
    const tasks = new PerformanceObserver((list) => {
      longTasks += list.getEntries().length;
    });
    tasks.observe({ entryTypes: ['longtask'] });
    const begun = performance.now();
    let last = 0;
    const frame = (now: number) => {
      if (last !== 0) intervals.push(now - last);
      last = now;
      if (performance.now() - begun < ms) requestAnimationFrame(frame);
      else {
        tasks.disconnect();
        resolve({ intervals, longTasks });
      }
    };
    requestAnimationFrame(frame);
  });
}
