// Where a chapter can be read: 'docs/concepts/03-stateful-in-memory.md' is a page of the lab.

import { paths } from '../../src/api/contract.ts';

export function chapterAddress(chapter: string): string {
  return `${paths.chapters}/${nameOf(chapter)}`;
}

/** 'Chapter 3: stateful in memory' */
export function chapterTitle(chapter: string): string {
  const [number = '', ...words] = nameOf(chapter).split('-');
  return `Chapter ${Number(number)}: ${words.join(' ')}`;
}

function nameOf(chapter: string): string {
  return chapter.replace(/^.*\//, '').replace(/\.md$/, '');
}
