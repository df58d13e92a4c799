// Everything at a glance: what happened (a row) under each answer (a column), and in each cell how
// many promises were kept and which were broken; then each promise by itself.

import { stripVTControlCharacters, styleText } from 'node:util';
import { type PropertyName, properties } from '../core/verdict.ts';
import { isPromise, markOf } from '../lab/report.ts';
import type { RunResult } from '../lab/run.ts';
import { courseAnswers } from '../scenarios/scenario.ts';

const cellWidth = 20;

export function matrixReport(results: readonly RunResult[]): string {
  const scenarios = [...new Set(results.map((result) => result.scenario))];
  const promises = (Object.keys(properties) as PropertyName[]).filter(
    (name) => !('diagnostic' in properties[name]),
  );
  return [
    styleText('bold', 'What happens, and which promises break'),
    styleText(
      'dim',
      '  ✓ all promises judged hold   ✗ this breaks, as predicted (+1: and another)   · not run',
    ),
    row('', courseAnswers),
    ...scenarios.map((scenario) =>
      row(
        scenario,
        courseAnswers.map((answer) => runCell(find(results, answer, scenario))),
      ),
    ),
    '',
    styleText('bold', 'Each promise, in how many of the runs that could judge it'),
    row('', courseAnswers),
    ...promises.map((name) =>
      row(
        name,
        courseAnswers.map((answer) => promiseCell(name, results, answer)),
      ),
    ),
    '',
    'Read on: docs/concepts/01-what-a-session-is.md, then 02 to 04.',
    'One run in full: npm run lab -- memory-two-servers. All of them: npm run lab -- --full',
  ].join('\n');
}

function find(results: readonly RunResult[], answer: string, scenario: string) {
  return results.find((result) => result.answer === answer && result.scenario === scenario);
}

function row(label: string, cells: readonly string[]): string {
  return `  ${label.padEnd(21)}${cells.map(pad).join('')}`.trimEnd();
}

function pad(cell: string): string {
  return cell + ' '.repeat(Math.max(1, cellWidth - stripVTControlCharacters(cell).length));
}

function runCell(result: RunResult | undefined): string {
  if (result === undefined) return styleText('dim', '·');
  if (result.verdicts.length === 0) return styleText('dim', '– NOT TESTED');
  if (!result.asExpected) return styleText('red', '! UNEXPECTED');
  const broken = result.verdicts.filter((each) => isPromise(each) && each.outcome === 'VIOLATED');
  const kept = result.verdicts.filter((each) => isPromise(each) && each.outcome === 'HOLDS');
  if (broken.length === 0) return styleText('green', `✓ all ${kept.length} hold`);
  const { glyph, colour } = markOf('VIOLATED', true);
  const more = broken.length > 1 ? ` +${broken.length - 1}` : '';
  return styleText(colour, `${glyph} ${broken[0]?.property}${more}`);
}

function promiseCell(name: PropertyName, results: readonly RunResult[], answer: string): string {
  const verdicts = results
    .filter((result) => result.answer === answer)
    .flatMap((result) => result.verdicts.filter((each) => each.property === name));
  const judged = verdicts.filter(({ outcome }) => outcome === 'HOLDS' || outcome === 'VIOLATED');
  const broken = judged.filter(({ outcome }) => outcome === 'VIOLATED').length;
  if (judged.length === 0) return styleText('dim', '– NOT TESTED');
  if (broken === 0) return styleText('green', `✓ HOLDS ${judged.length} of ${judged.length}`);
  return styleText('yellow', `✗ VIOLATED ${broken} of ${judged.length}`);
}
