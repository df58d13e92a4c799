// How an outcome is said: sign, colour and word, always together. What is right looks well, and
// what is wrong does not: to be let in is bad when it is a thief.

import { type Arrived, type Fate, type Mark, markOf } from '../../src/api/stage.ts';

interface Words {
  readonly glyph: string;
  readonly word: string;
  /** The fate whose colour and shape it has. */
  readonly looks: Fate;
}

export const markWords: Readonly<Record<Mark, Words>> = {
  known: { glyph: '✓', word: 'known', looks: 'known' },
  barred: { glyph: '✓', word: 'rightly turned away', looks: 'known' },
  nobody: { glyph: '✗', word: 'taken for nobody', looks: 'nobody' },
  intruded: { glyph: '✗', word: 'wrongly let in', looks: 'nobody' },
  another: { glyph: '≠', word: 'taken for another', looks: 'another' },
  refused: { glyph: '!', word: 'refused for now', looks: 'refused' },
  lost: { glyph: '○', word: 'no answer', looks: 'lost' },
  login: { glyph: '⚷', word: 'logged in', looks: 'known' },
};

export function wordsOf(arrived: Arrived): Words {
  return markWords[markOf(arrived)];
}

export function FateMark({ arrived }: { readonly arrived: Arrived }) {
  const { glyph, word, looks } = wordsOf(arrived);
  return (
    <span class={`fate-mark ${looks}`}>
      <span aria-hidden="true">{glyph}</span>
      <span class="unseen">{word}</span>
    </span>
  );
}
