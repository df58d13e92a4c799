// When two spellings are one user name. People see the name as it was typed; it is found by its
// key, in which compatibility forms and letter case make no difference (a plain rule in the spirit
// of RFC 8265 section 3.3). Characters that nobody can see are refused, for they make two names
// look alike. Letters of different scripts that look alike are not told apart here.

const nameCharsMax = 64;

export interface AccountName {
  readonly name: string;
  readonly key: string;
}

const invisible = /[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/u;

/** undefined for a text that can be no name. */
export function readName(text: string): AccountName | undefined {
  if (text.length > 4 * nameCharsMax) return undefined;
  const name = text.normalize('NFC').trim();
  const key = fold(name);
  if (invisible.test(name) || !fits(name) || !fits(key)) return undefined;
  return { name, key };
}

/**
 * What two spellings have in common. Upper case first: it brings together what lower case keeps
 * apart, such as ß and ss.
 */
export function fold(name: string): string {
  const folded = name.normalize('NFKC').toUpperCase().toLowerCase();
  return folded.normalize('NFKC').trim().replace(/\s+/gu, ' ');
}

function fits(text: string): boolean {
  const chars = [...text].length;
  return chars >= 1 && chars <= nameCharsMax;
}
