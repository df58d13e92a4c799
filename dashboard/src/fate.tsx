// How an outcome is said: sign, colour and word, always together.

import type { Arrived, Fate } from '../../src/api/stage.ts';

export const fateWords: Readonly<Record<Fate, { readonly glyph: string; readonly word: string }>> =
  {
    known: { glyph: '✓', word: 'known' },
    nobody: { glyph: '✗', word: 'taken for nobody' },
    another: { glyph: '≠', word: 'taken for another' },
    refused: { glyph: '!', word: 'refused for now' },
    lost: { glyph: '○', word: 'no answer' },
  };

export function FateMark({ fate }: { readonly fate: Fate }) {
  const { glyph, word } = fateWords[fate];
  return (
    <span class={`fate-mark ${fate}`}>
      <span aria-hidden="true">{glyph}</span>
      <span class="unseen">{word}</span>
    </span>
  );
}

/** The classes of an outcome: what was accepted and must not be is ringed. */
export function toneOf({ fate, right }: Pick<Arrived, 'fate' | 'right'>): string {
  return fate === 'known' && right === false ? 'known wrong' : fate;
}

/** 'known', 'known, wrongly', 'taken for nobody, rightly': a refusal may be as it must be. */
export function ruled({ fate, right }: Pick<Arrived, 'fate' | 'right'>): string {
  const { word } = fateWords[fate];
  if (fate === 'known') return right === false ? `${word}, wrongly` : word;
  if (fate === 'nobody') return right === true ? `${word}, rightly` : word;
  return word;
}
