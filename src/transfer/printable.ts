// Text of another machine, for a terminal of this one: nothing in it moves a cursor, rings a bell
// or turns the direction of what follows. It keeps the words; names have display-name.ts.

const commands = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

export function printable(text: string): string {
  return text.replace(commands, '\u{fffd}');
}
