// Holds verdicts against what a scenario predicted. A prediction that did not come true is a
// surprise, whichever way it failed, and so is a promise that broke though nobody predicted it;
// UNKNOWN where something was predicted is missing, and never counts as come true.

import { type PropertyName, properties, type Verdict } from '../core/verdict.ts';
import type { Expectation } from '../scenarios/scenario.ts';

export interface Comparison {
  /** 'durability: expected VIOLATED, got HOLDS' */
  readonly surprises: readonly string[];
  /** Properties that came out UNKNOWN where a verdict was required. */
  readonly missing: readonly string[];
}

export function compare(verdicts: readonly Verdict[], expected: Expectation): Comparison {
  const found = new Map<string, Verdict>(verdicts.map((verdict) => [verdict.property, verdict]));
  const surprises: string[] = [];
  const missing: string[] = [];
  for (const [property, outcome] of Object.entries(expected.verdicts)) {
    const got = found.get(property)?.outcome ?? 'NOT TESTED';
    if (got === outcome) continue;
    if (got === 'UNKNOWN' || got === 'NOT TESTED') missing.push(property);
    else surprises.push(`${property}: expected ${outcome}, got ${got}`);
  }
  for (const { property, outcome } of verdicts) {
    if (outcome !== 'VIOLATED' || 'diagnostic' in properties[property]) continue;
    if (expected.mayBreak?.includes(property)) continue;
    if (!(property in expected.verdicts)) surprises.push(`${property}: VIOLATED, not predicted`);
  }
  for (const [name, [least, most]] of Object.entries(expected.measures ?? {})) {
    const [property = '', measure = ''] = name.split('.', 2);
    const got = found.get(property as PropertyName)?.measures[measure];
    if (got === undefined) surprises.push(`${name}: not measured`);
    else if (got < least || got > most) {
      surprises.push(`${name}: expected ${least} to ${most}, got ${rounded(got)}`);
    }
  }
  return { surprises, missing };
}

function rounded(value: number): number {
  return Math.round(value * 1_000) / 1_000;
}
