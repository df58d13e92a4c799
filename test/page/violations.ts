// What axe has against the page as it is now, in every look that it can have: on a narrow and a
// usual screen, light and dark.

import axe, { type AxeResults } from 'axe-core';
import type { Page } from 'playwright-core';

const widths = [390, 1280];
const schemes = ['light', 'dark'] as const;

/** One line for each, which says where. The page's size and colours are as before afterwards. */
export async function violationsIn(page: Page, where: string): Promise<readonly string[]> {
  const before = page.viewportSize() ?? { width: 1280, height: 900 };
  const isThere = await page.evaluate<boolean>(`'axe' in globalThis`);
  if (!isThere) await page.evaluate(axe.source);
  const found: string[] = [];
  for (const width of widths) {
    for (const colorScheme of schemes) {
      await page.setViewportSize({ width, height: 900 });
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
      await page.locator(`html[data-theme=${colorScheme}]`).waitFor();
      const { violations } = await page.evaluate<AxeResults>(run);
      for (const { id, nodes } of violations) {
        const at = nodes.map(({ html, failureSummary }) => `${html} ${failureSummary}`);
        found.push(`${where}, ${width} px, ${colorScheme}: ${id}: ${at.join('\n')}`);
      }
    }
  }
  await page.setViewportSize(before);
  await page.emulateMedia({ colorScheme: null, reducedMotion: null });
  return found;
}

/** What hovers above the page is drawn on canvas; axe would not dare to judge what is behind it. */
const run = `(async () => {
  const canvases = [...document.querySelectorAll('canvas')];
  for (const canvas of canvases) canvas.style.display = 'none';
  const results = await axe.run(document, { resultTypes: ['violations'] });
  for (const canvas of canvases) canvas.style.display = '';
  return results;
})()`;
