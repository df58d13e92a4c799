// Leads to a chapter, beside the page and not in place of it: what was measured stays there.

import { chapterAddress, chapterTitle } from './chapters.ts';

interface Props {
  readonly chapter: string;
}

export function ChapterLink({ chapter }: Props) {
  return (
    <a class="small" href={chapterAddress(chapter)} target="_blank" rel="noopener">
      {chapterTitle(chapter)}{' '}
      <span role="img" aria-label="in a new tab">
        ↗
      </span>
    </a>
  );
}
