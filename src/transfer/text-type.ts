// What kind of text a text shows itself to be: markup, JSON, or one of the few formats that have
// to begin in a certain way. A browser's rules for HTML (WHATWG MIME Sniffing) are the least that
// is taken for HTML here, wherever white space, byte order marks and comments put the first tag.
// Nothing is parsed but JSON, and that only when it is whole; neither is well-formedness shown.

export interface TextType {
  readonly type: string;
  /** What the text may as well be, if it is said to be that. */
  readonly or?: readonly string[];
}

const beginnings: readonly (readonly [RegExp, string])[] = [
  [/^%PDF-\d/, 'application/pdf'],
  [/^%!PS/, 'application/postscript'],
  [/^\{\\rtf/, 'application/rtf'],
  [/^GIF8[79]a/, 'image/gif'],
  [/^BEGIN:VCARD\s/i, 'text/vcard'],
  [/^BEGIN:VCALENDAR\s/i, 'text/calendar'],
  [/^WEBVTT(?:\s|$)/, 'text/vtt'],
  [/^!<arch>\n/, 'application/x-unix-archive'],
  [/^solid [^\n]{0,200}\n\s{0,200}(?:facet|endsolid) /, 'model/stl'],
];

const words = (list: string) => new Set(list.split(' '));
/** A document or a script, which Markdown does not begin with; the others may be a page of it. */
const documentTags = words('html head body title meta link base script style iframe frameset');
const fragmentTags = words(
  'a abbr address article aside audio b blockquote br button canvas center code dd del details ' +
    'dialog div dl dt em embed fieldset figure font footer form frame h1 h2 h3 h4 h5 h6 header hr i ' +
    'img input ins kbd label li main map mark marquee math menu nav noscript object ol option p ' +
    'picture pre q s samp section select small span strong sub summary sup table tbody td template ' +
    'textarea th thead time tr tt u ul var video xmp',
);

/** Of the beginning of a text, or of all of it. */
export function textTypeOf(text: string, charset: string, isWhole: boolean): TextType {
  const fixed = beginnings.find(([begins]) => begins.test(text));
  if (fixed) return { type: fixed[1] };
  return (
    markupOf(text, isWhole) ??
    (charset === 'utf-8' ? jsonOf(text, isWhole) : undefined) ?? { type: 'text/plain' }
  );
}

function markupOf(text: string, isWhole: boolean): TextType | undefined {
  const start = text.search(/\S/);
  if (start < 0 || text[start] !== '<') return undefined;
  const isXml = text.startsWith('<?xml', start);
  const hasComment = text.startsWith('<!--', start);
  const root = rootOf(text, start, isXml);
  if (root === 'svg') return { type: 'image/svg+xml' };
  if (isXml) {
    if (root !== 'html') return { type: 'application/xml' };
    return { type: 'application/xhtml+xml', or: ['text/html'] };
  }
  if (documentTags.has(root)) {
    return { type: 'text/html', or: root === 'html' ? ['application/xhtml+xml'] : [] };
  }
  const isClosed = isWhole && root !== '' && /(?:<\/[^<>]*|\/)>$/.test(endOf(text));
  if (hasComment || fragmentTags.has(root)) {
    return { type: 'text/html', or: ['text/markdown', ...(isClosed ? ['application/xml'] : [])] };
  }
  return isClosed ? { type: 'application/xml' } : undefined;
}

const endOf = (text: string) => text.slice(-1024).trimEnd();

/** The local name of the first element, in lower case, or of the one that a doctype announces. */
function rootOf(text: string, start: number, isXml: boolean): string {
  let at = start;
  while (true) {
    while (/\s/.test(text.charAt(at))) at += 1;
    const isComment = text.startsWith('<!--', at);
    if (!isComment && !(isXml && text.startsWith('<?', at))) break;
    const end = isComment ? /--!?>/g : /\?>/g; // as HTML ends a comment: `<!-->` is one
    end.lastIndex = at + 2;
    if (end.exec(text) === null) return '';
    at = end.lastIndex;
  }
  const name = /^<(?:!doctype\s+)?(?:[\w.-]+:)?([a-z_][\w.-]*)(?=[\s/>[]|$)/i;
  return name.exec(text.slice(at, at + 512))?.[1]?.toLowerCase() ?? '';
}

function jsonOf(text: string, isWhole: boolean): TextType | undefined {
  const isMaybe = isWhole ? /^\s*["[{\dtfn-]/ : /^\s*[[{]\s*(?:["[\]{}\dtfn-]|$)/;
  if (!isMaybe.test(text)) return undefined;
  const aside: TextType = { type: 'text/plain', or: ['application/json'] };
  if (!isWhole) return aside;
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? { type: 'application/json' } : aside;
  } catch {
    return undefined;
  }
}
