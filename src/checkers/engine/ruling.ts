// Makes a verdict out of counts: UNKNOWN when nothing could have decided it, VIOLATED when anything
// broke the law, HOLDS otherwise.

import type { PropertyName, Verdict, Witness } from '../../core/verdict.ts';

export interface Counts {
  readonly broken: number;
  readonly decisive: number;
  readonly witness: Witness | null;
  /** For UNKNOWN: what the run lacked. */
  readonly lacks: string;
}

export function ruling(
  property: PropertyName,
  { broken, decisive, witness, lacks }: Counts,
  measures: Readonly<Record<string, number>>,
  finding: () => string,
): Verdict {
  const outcome = decisive === 0 ? 'UNKNOWN' : broken > 0 ? 'VIOLATED' : 'HOLDS';
  return {
    property,
    outcome,
    broken,
    decisive,
    finding: decisive === 0 ? lacks : finding(),
    measures,
    witness: broken > 0 ? witness : null,
  };
}
