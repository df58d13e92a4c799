// An experiment, as data: a cluster, what its users do, what goes wrong, and what each answer is
// expected to show, expected violations included. A scenario is run once per answer it names; the
// run `memory-two-servers` is the scenario `two-servers` under the answer `memory`.

import type { Lifetimes } from '../core/limits.ts';
import type { Outcome, PropertyName } from '../core/verdict.ts';
import type { FaultOptions } from '../faults/fault.ts';
import type * as faults from '../faults/index.ts';
import type * as policies from '../policies/index.ts';
import type * as stores from '../stores/index.ts';
import type * as strategies from '../strategies/index.ts';
import type * as workloads from '../workloads/index.ts';

export interface Answer {
  readonly strategy: keyof typeof strategies;
  readonly store: keyof typeof stores;
  /** What else its servers are configured with. */
  readonly settings?: Readonly<Record<string, string>>;
}

/** The answers to the question: a strategy, and the store it keeps its memory in. */
export const answers = {
  token: { strategy: 'token', store: 'postgres' },
  'token-with-revocation': { strategy: 'token-with-revocation', store: 'postgres' },
  memory: { strategy: 'session', store: 'memory' },
  postgres: { strategy: 'session', store: 'postgres' },
  redis: { strategy: 'session', store: 'redis' },
  cached: { strategy: 'session', store: 'cached' },
  /** An ending is acknowledged when a replica has it. */
  'redis-wait': { strategy: 'session', store: 'redis', settings: { REDIS_REPLICAS: '1' } },
  /** An ending is acknowledged when PostgreSQL has it. */
  'redis-logged': { strategy: 'session', store: 'redis', settings: { REVOCATIONS: 'postgres' } },
  'token-logged': {
    strategy: 'token-with-revocation',
    store: 'redis',
    settings: { REVOCATIONS: 'postgres' },
  },
} as const satisfies Record<string, Answer>;

export type AnswerName = keyof typeof answers;

/** Those that the course compares; the others are run where they are asked for by name. */
export const courseAnswers = [
  'token',
  'memory',
  'postgres',
  'redis',
] as const satisfies AnswerName[];

export interface FaultStep {
  /** When it begins, in milliseconds after the users start. */
  readonly atMs: number;
  readonly fault: keyof typeof faults;
  readonly options?: FaultOptions;
  /** Cured after this long; absent: when the users are done. */
  readonly forMs?: number;
}

/**
 * What verdicts must say for the run to have gone as predicted. What is left out must not break.
 */
export interface Expectation {
  readonly verdicts: Partial<Record<PropertyName, Outcome>>;
  /** What breaks when requests happen to overlap, and holds when they happen not to. */
  readonly mayBreak?: readonly PropertyName[];
  /** Bounds on measures, `property.measure`: [least, most]. */
  readonly measures?: Readonly<Record<string, readonly [least: number, most: number]>>;
  /** Why a violation is no bug here. */
  readonly because?: string;
}

export interface Scenario {
  /** No part of the course: run when it is asked for by name. */
  readonly beyond?: true;
  /** Where it stands in the course: lists go by it. */
  readonly place: number;
  readonly title: string;
  /** What it asks, in one sentence. */
  readonly question: string;
  /** Where to read on. */
  readonly chapter: string;
  readonly cluster: {
    readonly servers: number;
    readonly policy: keyof typeof policies;
    readonly lifetimes?: Partial<Lifetimes>;
    /** How long a server waits for its store; absent: longer than a busy machine keeps it. */
    readonly storeTimeoutMs?: number;
    /** A Redis has another that follows it and can take its place. */
    readonly standby?: boolean;
    /** The first server takes files, too. */
    readonly files?: true;
    /** How old a server's view of what has ended may be; absent: as the server has it. */
    readonly revocationStalenessMs?: number;
  };
  readonly workload: keyof typeof workloads;
  readonly users: number;
  readonly lengthMs: number;
  readonly faults: readonly FaultStep[];
  readonly expect: Partial<Record<AnswerName, Expectation>>;
}
