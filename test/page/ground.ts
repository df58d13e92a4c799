// The page on real lanes with a browser beside it: one of each for a whole file of tests, all that
// is recorded in a temporary folder, and the page built anew, for this file alone.

import { mkdtempDisposable } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { BrowserContextOptions, Page } from 'playwright-core';
import { build } from 'vite';
import { expect, inject, vi } from 'vitest';
import type { LaneId, LaneView, LaneWish } from '../../src/api/contract.ts';
import { openPage } from '../../src/api/open-page.ts';
import type { HistoryEvent } from '../../src/core/history.ts';
import { readHistory } from '../../src/lab/reading.ts';
import { openBrowser, visit } from './browser.ts';

const dashboard = fileURLToPath(new URL('../../dashboard/', import.meta.url));

/** On a machine that has other things to do as well. */
export const soon = { timeout: 20_000, interval: 20 };
/** For what takes many steps, on such a machine. */
export const longMs = 300_000;
const starting = { timeout: 150_000, interval: 50 };

export type Ground = Awaited<ReturnType<typeof openGround>>;

/** Resolves when these lanes stand. */
export async function openGround(wishes: readonly LaneWish[]) {
  await using stack = new AsyncDisposableStack();
  const room = stack.use(await mkdtempDisposable(join(tmpdir(), 'lab-browser-')));
  const [browser] = await Promise.all([openBrowser(), buildInto(join(room.path, 'page'))]);
  stack.use(browser);
  process.env.DATABASE_URL = inject('databaseUrl');
  const results = join(room.path, 'results');
  const ending = new AbortController();
  const { url, lanes } = stack.use(
    await openPage({
      ...{ port: 0, host: '127.0.0.1', results, admission: {}, signal: ending.signal },
      ...{ folder: join(room.path, 'page'), lanes: wishes },
      onTrouble: (error) => {
        throw error;
      },
    }),
  );
  stack.defer(() => ending.abort());
  const view = (id: LaneId): LaneView => {
    const lane = lanes.all().find((each) => each.id === id);
    return lane?.view() ?? expect.unreachable(`There is no lane ${id}`);
  };
  const recorded = (run: string): Promise<HistoryEvent[]> =>
    readHistory(join(results, ...decodeURIComponent(run).split('.'), 'history.ndjson'));
  const ground = {
    url,
    browser,
    view,
    views: () => lanes.all().map((lane) => lane.view()),
    /** Resolves when all lanes stand. */
    ready: () =>
      vi.waitFor(() => {
        const states = new Set(ground.views().map(({ state }) => state));
        expect(states).toEqual(new Set(['ready']));
      }, starting),
    verdicts: (at: number) => lanes.all()[at]?.verdicts() ?? [],
    /** What is on disk of the lane's run. */
    history: (id: LaneId) => recorded(view(id).run),
    recorded,
    visit: (at = '', options: BrowserContextOptions = {}): Promise<Page> =>
      visit(browser, `${url}/${at}`, options),
  };
  await ground.ready();
  const all = stack.move();
  return { ...ground, [Symbol.asyncDispose]: () => all.disposeAsync() };
}

export async function buildInto(outDir: string): Promise<void> {
  await build({ root: dashboard, logLevel: 'error', build: { outDir, emptyOutDir: true } });
}
