// What becomes of an expectation where servers are told of a logout instead of asking: the moment
// that the telling takes is allowed, and nothing later.

import type { Expectation } from './scenario.ts';

/** The stated bound is five seconds; what is judged is that the telling works. */
export function toldSoon(expected: Expectation): Expectation {
  const { revocation: _, ...verdicts } = expected.verdicts;
  return {
    verdicts,
    mayBreak: [...(expected.mayBreak ?? []), 'revocation'],
    measures: { ...expected.measures, 'revocation.lagMaxMs': [0, 500] },
    because: 'every server is told of a logout, which takes a few milliseconds',
  };
}
