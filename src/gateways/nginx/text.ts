// Words of nginx's configuration, quoted so that none can become anything else. In a word `$name`
// is a variable; in a pattern nothing is.

export function word(text: string): string {
  return `"${text.replace(/["\\]/g, '\\$&')}"`;
}

/** A text as a pattern that matches it alone. */
export function literally(text: string): string {
  return text.replace(/[^\w/-]/g, '\\$&');
}

/** A name as a key of a map, where `default` and some others would be words of nginx's own. */
export function named(name: string): string {
  return `\\${name}`;
}

/** @param rows what the text is (`~` begins a pattern), and what it becomes. */
export function map(
  from: string,
  to: string,
  rows: readonly (readonly [string, string])[],
  kind: 'settled' | 'volatile' = 'settled',
): string {
  const lines = rows.map(([key, value]) => {
    return `    ${key === 'default' ? key : word(key)} ${word(value)};`;
  });
  const first = kind === 'volatile' ? ['    volatile;'] : [];
  return [`  map ${word(from)} $${to} {`, ...first, ...lines, '  }'].join('\n');
}

export function milliseconds(ms: number): string {
  return `${ms}ms`;
}
