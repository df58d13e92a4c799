// Scenarios are data, and data can be wrong: these laws find what types do not.

import { describe, expect, test } from 'vitest';
import { properties } from '../../src/core/verdict.ts';
import { usersMax } from '../../src/lab/lab.ts';
import { planRun } from '../../src/lab/plan.ts';
import * as scenarios from '../../src/scenarios/index.ts';
import { type AnswerName, answers, type Scenario } from '../../src/scenarios/scenario.ts';

const everyScenario = Object.entries<Scenario>(scenarios);
const answerNames = Object.keys(answers) as AnswerName[];

describe.each(everyScenario)('%s', (name, scenario) => {
  const expected = answerNames.flatMap((answer) => scenario.expect[answer] ?? []);

  test('a predicted violation says why it is no bug', () => {
    for (const { verdicts, because } of expected) {
      if (Object.values(verdicts).includes('VIOLATED')) expect(because).toBeTruthy();
    }
  });

  test('every prediction names a property, and every bound has room', () => {
    for (const { verdicts, measures = {} } of expected) {
      expect(Object.keys(verdicts).length).toBeGreaterThan(0);
      for (const [measure, [least, most]] of Object.entries(measures)) {
        expect(Object.keys(properties)).toContain(measure.split('.')[0]);
        expect(least).toBeLessThanOrEqual(most);
      }
    }
  });

  test('what goes wrong is measured, for a fault that does nothing breaks nothing', () => {
    if (scenario.faults.length === 0) return;
    for (const { measures = {} } of expected) expect(measures).not.toEqual({});
  });

  test('its users are registered, and its faults begin while they are at work', () => {
    for (const answer of answerNames.filter((each) => scenario.expect[each] !== undefined)) {
      const { clients } = planRun(name, answer, 'a');
      const numbers = clients.map((client) => Number(client.user.slice('user'.length)));
      expect(Math.max(...numbers)).toBeLessThanOrEqual(usersMax);
    }
    for (const { atMs, forMs = 0 } of scenario.faults) {
      expect(atMs + forMs).toBeLessThan(scenario.lengthMs);
    }
  });
});

test('the same seed plans the same users under every answer and every policy', () => {
  const inTurn = planRun('two-servers', 'memory', '7f3a').clients;
  expect(planRun('two-servers', 'token', '7f3a').clients).toEqual(inTurn);
  expect(planRun('two-servers-sticky', 'memory', '7f3a').clients).toEqual(inTurn);
  expect(planRun('two-servers', 'memory', '7f3b').clients).not.toEqual(inTurn);
});

test('a run that no scenario predicts cannot be planned', () => {
  expect(() => planRun('two-server', 'memory', 'a')).toThrow(RangeError);
  expect(() => planRun('slow-link', 'memory', 'a')).toThrow(RangeError);
});
