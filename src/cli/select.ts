// From what a person types to the runs that are meant: nothing is the course, a scenario is all its
// answers, `<answer>-<scenario>` is one.

import * as scenarios from '../scenarios/index.ts';
import { type AnswerName, answers, courseAnswers, type Scenario } from '../scenarios/scenario.ts';
import { UsageError } from './exit.ts';

export interface Selection {
  readonly name: string;
  readonly scenario: string;
  readonly answer: AnswerName;
}

export const answerNames = Object.keys(answers) as AnswerName[];

export const allScenarios: readonly (readonly [string, Scenario])[] = Object.entries<Scenario>(
  scenarios,
).toSorted(([, a], [, b]) => a.place - b.place);

const beyond = new Set(
  allScenarios.filter(([, scenario]) => scenario.beyond).map(([name]) => name),
);

export const everyRun: readonly Selection[] = allScenarios.flatMap(([scenario, { expect }]) =>
  answerNames
    .filter((answer) => expect[answer] !== undefined)
    .map((answer) => ({ name: `${answer}-${scenario}`, scenario, answer })),
);

const isOfCourse = (answer: AnswerName) => courseAnswers.some((each) => each === answer);

/** The whole course: what a run without names is. */
export const courseRuns: readonly Selection[] = everyRun.filter(
  ({ scenario, answer }) => isOfCourse(answer) && !beyond.has(scenario),
);

/** @throws UsageError naming what comes closest. */
export function select(names: readonly string[]): readonly Selection[] {
  if (names.length === 0) return courseRuns;
  const wanted = new Set<Selection>();
  for (const name of names) {
    const found = everyRun.filter((each) => each.name === name || each.scenario === name);
    if (found.length === 0) throw new UsageError(unknownName(name));
    for (const each of found) wanted.add(each);
  }
  return everyRun.filter((each) => wanted.has(each));
}

function unknownName(name: string): string {
  const known = [...everyRun.map((each) => each.name), ...allScenarios.map(([each]) => each)];
  const close = known
    .map((each) => ({ each, shared: sharedPairs(name, each) }))
    .filter(({ shared }) => shared >= 0.25)
    .toSorted((a, b) => b.shared - a.shared)
    .slice(0, 3)
    .map(({ each }) => each);
  const hint = close.length === 0 ? '' : ` Close to it: ${close.join(', ')}.`;
  return `There is no scenario '${name}'.${hint} All: npm run sessionlab -- list`;
}

/** Dice's coefficient over pairs of letters. */
function sharedPairs(one: string, other: string): number {
  const pairs = (text: string) => [...text].slice(1).map((_, at) => text.slice(at, at + 2));
  const [left, right] = [pairs(one), new Set(pairs(other))];
  return left.filter((pair) => right.has(pair)).length / (left.length + right.size);
}
