// A text in the frame that the page was built with, so that it looks like the page. Where none was
// built it is as plain as HTML is.

import { escaped } from './markdown.ts';

export const framePath = '/document.html';

const bareFrame = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{title}</title>
<main>{text}</main>
</html>
`;

export function textPage(title: string, html: string, frame = bareFrame): string {
  const parts: Record<string, string> = { '{title}': escaped(title), '{text}': html };
  return frame.replace(/\{(?:title|text)\}/g, (name) => parts[name] ?? name);
}
