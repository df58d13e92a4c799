// The system's own Chromium, as people have it, and visits to the page in it. A visit is a profile
// of its own, as of somebody who was never here before, and fails its test at the end for whatever
// the browser complained of: errors of scripts, violations of the content security policy, files
// that are missing.

import {
  type Browser,
  type BrowserContextOptions,
  chromium,
  type Page,
  type Response,
} from 'playwright-core';
import { expect, onTestFinished } from 'vitest';
import { findChromium } from '../../tools/chromium.ts';

/** On a machine that has other things to do as well, many servers take a while to start. */
const patienceMs = 45_000;

/** @throws Error that says how to get one where there is none. */
export async function openBrowser(args: readonly string[] = []): Promise<Browser> {
  const executablePath = findChromium();
  if (executablePath === undefined) {
    throw new Error('The page is tested in Chromium, and there is none: npm run setup provides it');
  }
  return await chromium.launch({ executablePath, args: [...args] });
}

/** Closed when the test ends, which fails if there was anything to complain of. */
export async function visit(
  browser: Browser,
  url: string,
  options: BrowserContextOptions = {},
): Promise<Page> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  context.setDefaultTimeout(patienceMs);
  const page = await context.newPage();
  const complaints = complaintsOf(page);
  onTestFinished(async () => {
    const { length } = complaints;
    await context.close();
    expect(complaints.slice(0, length)).toEqual([]);
  });
  await page.goto(url);
  return page;
}

/** What the browser says against a page, as it comes. */
function complaintsOf(page: Page): readonly string[] {
  const complaints: string[] = [];
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(String(error.stack)));
  page.on('response', (response: Response) => {
    if (response.status() >= 400) complaints.push(`${response.status()} ${response.url()}`);
  });
  page.on('requestfailed', (request) => {
    const why = request.failure()?.errorText ?? '';
    // Leaving a page ends what it listens to.
    if (why !== 'net::ERR_ABORTED') complaints.push(`${why} ${request.url()}`);
  });
  return complaints;
}
