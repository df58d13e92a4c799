// A run, told to a person: one header line, then a line per verdict, and for each violation its
// witness, the reason, the command that repeats it and the chapter that explains it. Pure text out
// of a result; printing and live progress belong to the command line.

import { styleText } from 'node:util';
import * as checkers from '../checkers/index.ts';
import { type Outcome, type PropertyName, properties, type Verdict } from '../core/verdict.ts';
import * as scenarios from '../scenarios/index.ts';
import type { Expectation, Scenario } from '../scenarios/scenario.ts';
import type { RunResult } from './run.ts';

type Colour = Parameters<typeof styleText>[0];

export interface Mark {
  readonly glyph: string;
  readonly colour: Colour;
}

/** Colour, glyph and word always go together: none of them is needed to understand the others. */
export function markOf(outcome: Outcome, predicted: boolean): Mark {
  if (outcome === 'HOLDS') return { glyph: '✓', colour: 'green' };
  if (outcome === 'VIOLATED') return { glyph: '✗', colour: predicted ? 'yellow' : 'red' };
  if (outcome === 'UNKNOWN') return { glyph: '?', colour: 'magenta' };
  return { glyph: '–', colour: 'dim' };
}

function scenarioOf(result: Pick<RunResult, 'scenario'>): Scenario {
  const found = new Map<string, Scenario>(Object.entries(scenarios)).get(result.scenario);
  if (found === undefined) throw new Error(`There is no scenario '${result.scenario}'.`);
  return found;
}

function chapterOf(property: PropertyName): string {
  const checker = Object.values(checkers).find((each) => each.property === property);
  return checker?.chapter ?? 'docs/concepts/01-what-a-session-is.md';
}

/**
 * Is this verdict what the scenario predicted? A property it says nothing about cannot surprise.
 */
function wasPredicted(verdict: Verdict, expected: Expectation | undefined): boolean {
  const word = expected?.verdicts[verdict.property];
  if (word !== undefined) return word === verdict.outcome;
  return verdict.outcome !== 'VIOLATED' || expected?.mayBreak?.includes(verdict.property) === true;
}

/** The diagnostic property tells how traffic went; it is no promise of an answer. */
export function isPromise(verdict: Verdict): boolean {
  return !('diagnostic' in properties[verdict.property]);
}

export function runReport(result: RunResult): string {
  const scenario = scenarioOf(result);
  const { servers, policy } = scenario.cluster;
  const title = [
    styleText('bold', result.name),
    `${servers} ${servers === 1 ? 'server' : 'servers'}`,
    policy,
    faultsOf(scenario),
    `seed ${result.seed}`,
  ].join(' · ');
  const question = styleText('dim', `  ${scenario.question}`);
  if (result.notTested !== undefined) {
    return [title, question, `  – NOT TESTED  ${result.notTested}`].join('\n');
  }
  const judged = result.verdicts.filter(({ outcome }) => outcome !== 'UNKNOWN');
  const verdicts = judged.flatMap((verdict) => verdictLines(verdict, scenario, result));
  const unknown = result.verdicts.filter((verdict) => !judged.includes(verdict));
  if (unknown.length > 0) verdicts.push(unknownLine(unknown));
  const surprises = [...result.surprises, ...result.missing.map((name) => `${name}: UNKNOWN`)].map(
    (text) => styleText('red', `  ! unexpected  ${text}`),
  );
  return [title, question, ...verdicts, ...surprises].join('\n');
}

function faultsOf(scenario: Scenario): string {
  if (scenario.faults.length === 0) return 'no fault';
  return scenario.faults
    .map(({ fault, atMs }) => `${fault} at ${(atMs / 1000).toFixed(1)} s`)
    .join(', ');
}

/** What this experiment does not ask about, in one line: UNKNOWN is never a pass. */
function unknownLine(verdicts: readonly Verdict[]): string {
  const { glyph, colour } = markOf('UNKNOWN', false);
  const names = verdicts.map(({ property }) => property).join(', ');
  return `  ${styleText(colour, `${glyph} UNKNOWN   `)} ${styleText('dim', `${names}: nothing here could decide them`)}`;
}

function verdictLines(verdict: Verdict, scenario: Scenario, result: RunResult): string[] {
  const expected = scenario.expect[result.answer];
  const predicted = wasPredicted(verdict, expected);
  const { glyph, colour } = markOf(verdict.outcome, predicted);
  const word = styleText(colour, `${glyph} ${verdict.outcome.padEnd(10)}`);
  const line = `  ${word} ${verdict.property.padEnd(16)} ${verdict.finding}`;
  if (!isPromise(verdict)) return [diagnosticLine(verdict)];
  if (verdict.outcome !== 'VIOLATED') return [line];
  const why = predicted ? [`      as predicted  ${expected?.because ?? scenario.title}`] : [];
  return [line, ...why, ...evidence(verdict, result)];
}

/** How the traffic went: nobody promised it, so it is neither good nor bad. */
function diagnosticLine({ property, finding }: Verdict): string {
  return styleText('dim', `  · measured   ${property.padEnd(16)} ${finding}`);
}

function evidence({ witness, property }: Verdict, { folder }: RunResult): string[] {
  const events = (witness?.events ?? []).map(
    (event, index) => `      ${(index === 0 ? 'witness' : '').padEnd(14)}(${index + 1}) ${event}`,
  );
  const because = witness === null ? [] : [`      because       ${witness.because}`];
  return [
    ...events,
    ...because,
    `      replay        npm run sessionlab -- replay ${folder}`,
    `      read          ${chapterOf(property)}`,
  ].map((line) => styleText('dim', line));
}
