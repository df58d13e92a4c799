// One run: an experiment carried out under one answer, from empty ground to verdicts. It reads as
// the sentence that a run is; what each word means is in the file it is imported from.

import type { Verdict } from '../core/verdict.ts';
import type { AnswerName } from '../scenarios/scenario.ts';
import type { Lab } from './lab.ts';

export type Phase = 'starting' | 'working' | 'healing' | 'judging' | 'done';

/** What a run tells while it goes on. */
export interface Progress {
  /** The run's name: 'memory-two-servers'. */
  readonly name: string;
  readonly phase: Phase;
  /** Operations that have completed so far, and how many are planned. */
  readonly operations: number;
  readonly planned: number;
  /** The fault that began or ended just now: 'crash s2 begin'. */
  readonly fault?: string;
}

export interface RunOptions {
  readonly seed: string;
  readonly onProgress?: (progress: Progress) => void;
  /** Ends the run early, with everything that it started; the run then rejects with its reason. */
  readonly signal?: AbortSignal;
}

export interface RunResult {
  /** Unique among the runs of one lab. */
  readonly id: string;
  /** '<answer>-<scenario>'. */
  readonly name: string;
  readonly scenario: string;
  readonly answer: AnswerName;
  readonly seed: string;
  /** Holds history.ndjson, verdicts.json, access.ndjson and servers.log. */
  readonly folder: string;
  readonly verdicts: readonly Verdict[];
  /** True when there is neither a surprise nor anything missing. */
  readonly asExpected: boolean;
  /** 'durability: expected VIOLATED, got HOLDS'; also servers that died without being told to. */
  readonly surprises: readonly string[];
  /** Properties that came out UNKNOWN where a verdict was required. */
  readonly missing: readonly string[];
  readonly tookMs: number;
  /** Why the run could not be made here; there are no verdicts then. */
  readonly notTested?: string;
}

/** Rejects only when the harness itself fails: what the servers do wrong is in the verdicts. */
export async function runScenario(
  _scenario: string,
  _answer: AnswerName,
  _lab: Lab,
  _options: RunOptions,
): Promise<RunResult> {
  throw new Error('under construction');
}
