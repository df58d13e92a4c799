// A prediction comes true, fails, or was not decided; nothing else, and nothing silently.

import { expect, test } from 'vitest';
import type { Outcome, Verdict } from '../../src/core/verdict.ts';
import { compare } from '../../src/lab/expected.ts';

function durability(outcome: Outcome, measures: Record<string, number> = {}): Verdict {
  const numbers = { broken: 0, decisive: 1, finding: '', witness: null };
  return { property: 'durability', outcome, measures, ...numbers };
}

const violated = { verdicts: { durability: 'VIOLATED' } } as const;

test('a violation that was predicted is no surprise, and a guarantee in its place is one', () => {
  expect(compare([durability('VIOLATED')], violated)).toEqual({ surprises: [], missing: [] });
  const { surprises } = compare([durability('HOLDS')], violated);
  expect(surprises).toEqual(['durability: expected VIOLATED, got HOLDS']);
});

test('what was not decided is missing, and so is what nobody checked', () => {
  expect(compare([durability('UNKNOWN')], violated).missing).toEqual(['durability']);
  expect(compare([], violated).missing).toEqual(['durability']);
});

test('a measure out of its bounds is a surprise, and so is one that was not taken', () => {
  const expected = { verdicts: {}, measures: { 'durability.acceptance': [0.35, 0.65] } } as const;
  const surprises = (acceptance: number) =>
    compare([durability('HOLDS', { acceptance })], expected).surprises;
  expect(surprises(0.5)).toEqual([]);
  expect(surprises(0.9)).toEqual(['durability.acceptance: expected 0.35 to 0.65, got 0.9']);
  expect(compare([], expected).surprises).toEqual(['durability.acceptance: not measured']);
});

test('a promise that breaks though nobody predicted it is a surprise', () => {
  const silent = { verdicts: {} };
  expect(compare([durability('VIOLATED')], silent).surprises).toEqual([
    'durability: VIOLATED, not predicted',
  ]);
  expect(compare([{ ...durability('VIOLATED'), property: 'affinity' }], silent).surprises).toEqual(
    [],
  );
});

test('a promise that may break is no surprise, broken or kept', () => {
  const luck = { verdicts: {}, mayBreak: ['durability'] } as const;
  for (const outcome of ['VIOLATED', 'HOLDS'] as const) {
    expect(compare([durability(outcome)], luck).surprises).toEqual([]);
  }
});
