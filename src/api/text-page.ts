// A text as a page of its own: the report of a run, a chapter. It has the page's content security
// policy, so its style is a file, too.

export const stylePath = '/lab/text.css';

export const style = `:root { color-scheme: light dark; }
body { margin: 2rem auto; max-width: 60rem; padding: 0 1rem; font: 1rem/1.6 system-ui, sans-serif; }
pre { white-space: pre-wrap; font: 0.9rem/1.6 ui-monospace, monospace; }
`;

export function textPage(title: string, text: string): string {
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${escaped(title)}</title>
<link rel="stylesheet" href="${stylePath}">
<main><pre>${escaped(text)}</pre></main>
</html>
`;
}

function escaped(text: string): string {
  const entities: Record<string, string> = {
    '&': '&amp;',
    '<': '&lt;',
    '>': '&gt;',
    '"': '&quot;',
  };
  return text.replace(/[&<>"]/g, (character) => entities[character] ?? '');
}
