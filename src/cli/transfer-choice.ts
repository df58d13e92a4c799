// What a person means by a word: the file of this id, of an id that begins so, or of this name. One
// word is one file; where it could be several, they are said, and none is taken.

import { OperatingError } from '../core/errors.ts';
import type { StoredFile } from '../transfer/client.ts';
import { idCharsShown } from './transfer-outcome.ts';

const idCharsMin = 6;

/** @throws OperatingError `not-found`, `invalid-request` for a word that could be several */
export function fileCalled(word: string, files: readonly StoredFile[]): StoredFile {
  const named = files.filter(({ name }) => name === word);
  const isId = word.length >= idCharsMin && /^[0-9a-f]+$/.test(word);
  const meant = isId ? files.filter(({ id }) => id.startsWith(word)) : [];
  const [found, ...others] = meant.length > 0 ? meant : named;
  if (found === undefined) {
    const detail = `${word}: you have no such file here, and none is shared with you`;
    throw new OperatingError('not-found', { detail });
  }
  if (others.length === 0) return found;
  const ids = [found, ...others].map(({ id }) => id.slice(0, idCharsShown)).join(', ');
  const detail = `${word}: there are ${others.length + 1} files of that name: say an id, of ${ids}`;
  throw new OperatingError('invalid-request', { detail });
}
