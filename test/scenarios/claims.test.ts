// The claims of members are put to the test: what strategy and store both promise, no scenario
// expects to break; what one of them refuses, at least one scenario shows broken.

import { describe, expect, test } from 'vitest';
import { type PropertyName, properties } from '../../src/core/verdict.ts';
import type { Fault } from '../../src/faults/fault.ts';
import * as faults from '../../src/faults/index.ts';
import * as scenarios from '../../src/scenarios/index.ts';
import { type AnswerName, answers, type Scenario } from '../../src/scenarios/scenario.ts';
import * as stores from '../../src/stores/index.ts';
import * as strategies from '../../src/strategies/index.ts';

const answerNames = Object.keys(answers) as AnswerName[];
const propertyNames = Object.keys(properties) as PropertyName[];

/** What both members say of a property: promised, refused, or nothing. */
function stance(answer: AnswerName, property: PropertyName): boolean | undefined {
  const { strategy, store } = answers[answer];
  // A self-contained credential asks no store, so what the store promises is not what is seen.
  const asked = strategies[strategy].selfContained ? {} : stores[store].claims;
  const said = [strategies[strategy].claims[property], asked[property as keyof typeof asked]];
  const given = said.filter((claim) => claim !== undefined);
  return given.length === 0 ? undefined : given.every(({ holds }) => holds);
}

/** A claim is about a store that keeps what it has acknowledged. */
function keepsAll(scenario: Scenario): boolean {
  return !scenario.faults.some(({ fault }) => (faults[fault] as Fault).forgets);
}

/** Answers that differ in nothing that is claimed: only in how they are configured. */
function alike(answer: AnswerName): AnswerName[] {
  const { strategy, store } = answers[answer];
  const { selfContained } = strategies[strategy];
  return answerNames.filter((each) => {
    const other = answers[each];
    return other.strategy === strategy && (selfContained || other.store === store);
  });
}

function broken(answer: AnswerName, property: PropertyName): string[] {
  return Object.entries<Scenario>(scenarios)
    .filter(([, scenario]) => keepsAll(scenario))
    .filter(([, { expect }]) => expect[answer]?.verdicts[property] === 'VIOLATED')
    .map(([name]) => name);
}

describe.each(answerNames)('%s', (answer) => {
  const promised = propertyNames.filter((property) => stance(answer, property) === true);
  const refused = propertyNames.filter((property) => stance(answer, property) === false);

  test('what is promised is expected to break nowhere', () => {
    expect(promised.filter((property) => broken(answer, property).length > 0)).toEqual([]);
  });

  test('what is refused is shown broken somewhere', () => {
    const isShown = (property: PropertyName) =>
      alike(answer).some((each) => broken(each, property).length > 0);
    expect(refused.filter((property) => !isShown(property))).toEqual([]);
  });
});
