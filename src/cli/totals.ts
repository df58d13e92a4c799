// What a run that was repeated with many seeds came to: for each promise how often it was kept, and
// of all observations that could have broken it, how many did.

import { styleText } from 'node:util';
import { count } from '../checkers/engine/wording.ts';
import { type Outcome, type PropertyName, properties, type Verdict } from '../core/verdict.ts';
import { isPromise, markOf } from '../lab/report.ts';
import type { RunResult } from '../lab/run.ts';

export function totalsReport(results: readonly RunResult[]): string {
  const names = [...new Set(results.map(({ name }) => name))];
  return names.map((name) => totalsOf(results.filter((each) => each.name === name))).join('\n\n');
}

function totalsOf(results: readonly RunResult[]): string {
  const expected = results.filter(({ asExpected }) => asExpected).length;
  const head = `${styleText('bold', results[0]?.name ?? '')} · ${results.length} runs · ${expected} as predicted`;
  const verdicts = results.flatMap((result) => result.verdicts).filter(isPromise);
  const lines = (Object.keys(properties) as PropertyName[]).flatMap((property) => {
    const judged = verdicts.filter((each) => each.property === property && each.decisive > 0);
    return judged.length === 0 ? [] : [line(property, judged)];
  });
  return [head, ...lines].join('\n');
}

function line(property: PropertyName, verdicts: readonly Verdict[]): string {
  const violated = verdicts.filter(({ outcome }) => outcome === 'VIOLATED').length;
  const outcome: Outcome = violated === 0 ? 'HOLDS' : 'VIOLATED';
  const { glyph, colour } = markOf(outcome, true);
  const share = `${violated || verdicts.length} of ${verdicts.length}`;
  const word = styleText(colour, `${glyph} ${`${outcome} ${share}`.padEnd(18)}`);
  const sum = (of: (verdict: Verdict) => number) =>
    count(verdicts.reduce((total, verdict) => total + of(verdict), 0));
  const broken = `${sum((each) => each.broken)} of ${sum((each) => each.decisive)} broke it`;
  const during = sum(({ measures }) => measures.endedInFault ?? 0);
  const ended = during === '0' ? '' : `; ${during} logouts acknowledged during faults`;
  return `  ${word} ${property.padEnd(16)} ${broken}${ended}`;
}
