// A run as a picture: one row for each of a few users, one mark for each request, in order: which
// server answered, and whether it knew them. Flapping, loss and recovery are seen before they are
// read. Made from the recorded history, so it shows nothing that did not happen.

import { styleText } from 'node:util';
import type { Completion, HistoryEvent, Invocation } from '../core/history.ts';

const marksMax = 22;

const legend = [
  ['green', '✓ known'],
  ['red', '✗ taken for nobody'],
  ['magenta', '≠ taken for another'],
  ['yellow', '! no answer'],
] as const;

export function stripReport(history: readonly HistoryEvent[], usersMax = 4): string {
  const open = new Map<number, Invocation>();
  const rows = new Map<string, string[]>();
  for (const event of history) {
    if (event.t === 'invoke') open.set(event.i, event);
    else if (event.t === 'ok' || event.t === 'fail' || event.t === 'info') {
      const invocation = open.get(event.i);
      open.delete(event.i);
      if (invocation?.to === 'gateway') note(rows, invocation, event);
    }
  }
  const byName = [...rows].toSorted(([a], [b]) => a.localeCompare(b, 'en', { numeric: true }));
  const lines = byName.slice(0, usersMax).map(([user, marks]) => {
    const more = marks.length > marksMax ? styleText('dim', ' ...') : '';
    return `  ${user.padEnd(8)}${marks.slice(0, marksMax).join(' ')}${more}`;
  });
  const key = legend.map(([colour, text]) => styleText(colour, text)).join('   ');
  return [...lines, `  ${''.padEnd(8)}${key}`].join('\n');
}

function note(rows: Map<string, string[]>, { f, user, cred }: Invocation, end: Completion): void {
  const login = f === 'login';
  if (!login && (cred === null || f === 'forge' || f === 'replay')) return;
  const server = end.server?.split('#')[0] ?? '--';
  const marks = rows.get(user) ?? [];
  if (end.t !== 'ok' || end.seen === undefined) marks.push(styleText('yellow', `${server}!`));
  else if (end.seen.user === null) marks.push(styleText('red', `${server}✗`));
  else if (end.seen.user !== user) marks.push(styleText('magenta', `${server}≠`));
  else marks.push(styleText('green', `${server}✓`));
  rows.set(user, marks);
}
