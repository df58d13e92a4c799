// Markdown as HTML that can stand under the page's content security policy: what is HTML in it is
// text here, an address is one of ours or of the web, or else its words stand alone; headings can
// be linked to as on GitHub, and what may be wide scrolls by itself.

import { Marked, type Tokens } from 'marked';

/** Where an address in a text leads to; undefined: nowhere that can be opened from here. */
export type Leads = (address: string) => string | undefined;

export function htmlOf(markdown: string, leads: Leads): string {
  const names = new Map<string, number>();
  const marked = new Marked({
    async: false,
    renderer: {
      html: ({ text }) => (text.startsWith('<!--') ? '' : escaped(text)),
      heading({ tokens, depth, text }) {
        const id = numbered(slug(text), names);
        return `<h${depth} id="${escaped(id)}">${this.parser.parseInline(tokens)}</h${depth}>\n`;
      },
      link({ href, tokens }) {
        const words = this.parser.parseInline(tokens);
        const to = leads(href);
        return to === undefined ? words : `<a href="${escaped(to)}">${words}</a>`;
      },
      image({ href, text }) {
        const from = leads(href);
        const isOurs = from?.startsWith('/') === true;
        return isOurs ? `<img src="${escaped(from)}" alt="${escaped(text)}">` : escaped(text);
      },
      code: ({ text }) => literal(text),
      table(token: Tokens.Table) {
        const row = (cells: Tokens.TableCell[], tag: 'th' | 'td') =>
          `<tr>${cells.map(({ tokens }) => `<${tag}>${this.parser.parseInline(tokens)}</${tag}>`).join('')}</tr>`;
        const body = token.rows.map((cells) => row(cells, 'td')).join('\n');
        const head = row(token.header, 'th');
        return `<div class="wide" tabindex="0"><table>\n<thead>${head}</thead>\n<tbody>${body}</tbody>\n</table></div>\n`;
      },
    },
  });
  return marked.parse(markdown) as string;
}

/** A text that is not Markdown, under its title. */
export function preformatted(title: string, text: string): string {
  return `<h1>${escaped(title)}</h1>\n${literal(text)}`;
}

/** With the keyboard one scrolls what has the focus. */
function literal(text: string): string {
  return `<pre tabindex="0"><code>${escaped(text)}</code></pre>\n`;
}

export function escaped(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}

/** 'What must be set in Redis?' is 'what-must-be-set-in-redis'. */
function slug(heading: string): string {
  const plain = heading.toLowerCase().replace(/[^\p{L}\p{N}\s_-]/gu, '');
  return plain.trim().replace(/\s/g, '-');
}

function numbered(name: string, names: Map<string, number>): string {
  const before = names.get(name) ?? 0;
  names.set(name, before + 1);
  return before === 0 ? name : `${name}-${before}`;
}
