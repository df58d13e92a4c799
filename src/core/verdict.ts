// What can be said of a run. A verdict is one of four words with its denominators: HOLDS, VIOLATED,
// UNKNOWN (the run saw nothing that could have decided it, which is never a pass) and NOT TESTED.

interface PropertyRow {
  readonly id: string;
  readonly says: string;
  /** Tells how the traffic went; no answer promises it, and breaking it is no fault. */
  readonly diagnostic?: true;
}

/** The guarantees that the lab judges; ids as in the reference of properties. */
export const properties = {
  identity: { id: 'P1', says: 'nobody is ever served as somebody else' },
  durability: { id: 'P2', says: 'an acknowledged login is accepted until it ends' },
  revocation: { id: 'P3', says: 'after an acknowledged logout no request is accepted' },
  'no-resurrection': { id: 'P3r', says: 'a session once refused is never accepted again' },
  'no-lost-update': { id: 'P5', says: 'every acknowledged change is still there at the end' },
  availability: { id: 'P15', says: 'requests are answered, and again soon after a fault' },
  'fails-closed': { id: 'P16', says: 'a store outage makes nobody anonymous and nobody accepted' },
  convergence: { id: 'P17', says: 'after healing, every server gives the same answer' },
  affinity: {
    id: 'P20',
    says: 'a session stays on its server while that server lives',
    diagnostic: true,
  },
  'whole-files': {
    id: 'P22',
    says: 'an acknowledged file is there and whole, for its owner alone',
  },
} as const satisfies Record<string, PropertyRow>;

export type PropertyName = keyof typeof properties;

export const outcomes = ['HOLDS', 'VIOLATED', 'UNKNOWN', 'NOT TESTED'] as const;
export type Outcome = (typeof outcomes)[number];

export interface Witness {
  /** At most four lines of history, first cause first. */
  readonly events: readonly string[];
  /** Why these events cannot both be right, in one sentence. */
  readonly because: string;
}

export interface Verdict {
  readonly property: PropertyName;
  readonly outcome: Outcome;
  /** How many of the decisive observations broke the law. */
  readonly broken: number;
  /** How many observations could have broken it. Zero makes the outcome UNKNOWN. */
  readonly decisive: number;
  /** The finding in a few words with numbers, e.g. '37 of 40 still accepted; lag median 31 s'. */
  readonly finding: string;
  /** Named numbers for tables and tests, e.g. { acceptance: 0.51, lost: 12 }; units in the name. */
  readonly measures: Readonly<Record<string, number>>;
  readonly witness: Witness | null;
}

/**
 * The greatest true rate that still fits zero bad ones among `seen`, at 95 %
 * (Hanley and Lippman-Hand 1983, the rule of three).
 */
export function rateBelow(seen: number): number {
  return seen === 0 ? 1 : Math.min(1, 3 / seen);
}

/** A guarantee that a member gives or refuses, with the reason; scenarios put it to the test. */
export interface Claim {
  readonly holds: boolean;
  /** It holds from so many milliseconds after the event on; absent: from the event on. */
  readonly withinMs?: number;
  readonly because: string;
}

export type Claims = Partial<Record<PropertyName, Claim>>;
