// Chapters can be read on the page: what they link to is there, and what they quote is only quoted.

import { globSync } from 'node:fs';
import { basename } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { Lanes } from '../../src/api/lanes.ts';
import { htmlOf } from '../../src/api/markdown.ts';
import { PageFiles } from '../../src/api/page-files.ts';
import { buildPageServer } from '../../src/api/page-server.ts';
import { Recorded } from '../../src/api/recorded.ts';
import type { Lab } from '../../src/lab/lab.ts';

const lab = new Promise<Lab>(() => undefined);
const lanes = new Lanes(lab, async () => undefined);
afterAll(() => lanes[Symbol.asyncDispose]());
const app = buildPageServer({
  ...{ lanes, lab, admission: {}, recorded: new Recorded('nowhere'), url: () => '' },
  files: new PageFiles('nowhere', Promise.resolve()),
});

async function page(url: string): Promise<string> {
  const answer = await app.inject({ url, headers: { host: 'localhost' } });
  expect([url, answer.statusCode]).toEqual([url, 200]);
  expect(answer.headers['content-type']).toBe('text/html; charset=utf-8');
  return answer.body;
}

const chapters = globSync('docs/concepts/*.md').map((file) => basename(file, '.md'));

test.each(chapters)('whatever %s leads to is there, to its headings', async (chapter) => {
  const own = `/lab/chapters/${chapter}`;
  const text = await page(own);
  expect(text).toMatch(/<h1 id="[\w-]+">/);
  for (const [, link = ''] of text.matchAll(/(?:href|src)="([^"]*)"/g)) {
    if (link.startsWith('https://')) continue;
    const [path, heading] = link.split('#');
    const found = await page(path || own);
    if (heading) expect(found, link).toContain(` id="${heading}"`);
  }
});

test('what a text quotes is quoted, and no address leads to where it must not', () => {
  const hostile = [
    '<script>alert(1)</script> and <img src=x onerror=alert(1)>',
    '[a](javascript:alert(1)) [b](/elsewhere) ![c](https://example.test/c.png)',
    '[d](https://example.test/"><script>) `<b>` <!-- unseen -->',
    '# An "h" & <i>one</i>',
    '| <u> | b |\n|---|---|\n| `</td>` | <s> |',
    '```html\n<script src="x"></script>\n```',
  ].join('\n\n');
  const leads = (address: string) => (address.startsWith('https:') ? address : undefined);
  const html = htmlOf(hostile, leads);
  const tags = new Set([...html.matchAll(/<([a-z0-9]+)/g)].map(([, tag]) => tag));
  const ours = ['p', 'a', 'code', 'h1', 'div', 'table', 'thead', 'tbody', 'tr', 'th', 'td', 'pre'];
  expect([...tags].toSorted()).toEqual(ours.toSorted());
  expect([...html.matchAll(/(?:href|src)="[^"]*"/g)].map(([link]) => link)).toEqual([
    'href="https://example.test/&quot;&gt;&lt;script&gt;"',
  ]);
  expect(html).toContain('&lt;img src=x onerror=alert(1)&gt;');
});

test.each([
  '/lab/files/package.json',
  '/lab/files/docs/../package.json',
  '/lab/files/src/..%2f..%2fetc/passwd.md',
  '/lab/files/.git/config',
  '/lab/files/docs/.hidden.md',
  '/lab/files/node_modules/marked/README.md',
  '/lab/chapters/..%2f..%2fREADME',
  '/lab/chapters/99-nothing',
])('only texts and sources of the repository can be read: not %s', async (url) => {
  const answer = await app.inject({ url, headers: { host: 'localhost' } });
  expect(answer.statusCode).toBe(404);
});

test('a source is a text', async () => {
  expect(await page('/lab/files/src/core/moment.ts')).toContain('<pre tabindex="0"><code>// ');
});
