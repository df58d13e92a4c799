// One run: an experiment carried out under one answer, from empty ground to verdicts. It reads as
// the sentence that a run is; what each word means is in the file it is imported from.

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startJudging } from '../checkers/engine.ts';
import type { HistoryEvent } from '../core/history.ts';
import type { Verdict } from '../core/verdict.ts';
import type { AnswerName } from '../scenarios/scenario.ts';
import { lookBack } from './aftermath.ts';
import { Cluster } from './cluster.ts';
import { Crowd } from './crowd.ts';
import { compare } from './expected.ts';
import type { Ground, Lab } from './lab.ts';
import { planRun, type RunPlan, serverSettings } from './plan.ts';
import { openRecorder } from './recorder.ts';
import { type Progress, Telling } from './telling.ts';
import { together } from './together.ts';
import { makeTrouble } from './trouble.ts';

export type { Progress } from './telling.ts';

type OnStage = (stage: Cluster, ground: Ground) => void | Promise<void>;

export interface RunOptions {
  readonly seed: string;
  readonly onProgress?: (progress: Progress) => void;
  /** Sees every event right after it was recorded. */
  readonly onEvent?: (event: HistoryEvent) => void;
  /** Is shown the stage when everything on it serves; nobody acts until it has resolved. */
  readonly onStage?: OnStage;
  /** Ends the run early, with everything that it started; the run then rejects with its reason. */
  readonly signal?: AbortSignal;
  /** Another program in place of the lab's servers: a planted mutant. */
  readonly serverEntry?: string;
}

export interface RunResult {
  /** Unique among the runs of one lab, unless a seed is repeated. */
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
export function runScenario(
  scenario: string,
  answer: AnswerName,
  lab: Lab,
  options: RunOptions,
): Promise<RunResult> {
  return runPlan(planRun(scenario, answer, options.seed), lab, options);
}

export async function runPlan(
  plan: RunPlan,
  lab: Lab,
  options: Omit<RunOptions, 'seed'>,
): Promise<RunResult> {
  const began = performance.now();
  const telling = new Telling(plan.name, plan.operations, options.onProgress);
  await using ground = await lab.prepare(plan.name, plan.answer, plan.scenario.cluster);
  if (ground === undefined) return notTested(plan, lab);

  const judging = startJudging(plan.header);
  const onEvent = (event: HistoryEvent) => {
    judging.take(event);
    telling.heard(event);
    options.onEvent?.(event);
  };
  const findings = await experiment(plan, lab, ground, { ...options, telling, onEvent });
  telling.phase('judging');
  const verdicts = judging.verdicts();
  const { surprises, missing } = compare(verdicts, plan.expected);
  const result: RunResult = {
    ...about(plan),
    folder: ground.folder,
    verdicts,
    asExpected: surprises.length + findings.length + missing.length === 0,
    surprises: [...surprises, ...findings],
    missing,
    tookMs: Math.round(performance.now() - began),
  };
  await writeFile(join(ground.folder, 'verdicts.json'), `${JSON.stringify(result, null, 2)}\n`);
  telling.phase('done');
  return result;
}

interface Ears {
  readonly telling: Telling;
  readonly onEvent: (event: HistoryEvent) => void;
  readonly onStage?: OnStage;
  readonly signal?: AbortSignal;
  readonly serverEntry?: string;
}

/** Users work while things go wrong; then all is healed and looked back on, and nothing is left. */
async function experiment(plan: RunPlan, lab: Lab, ground: Ground, ears: Ears) {
  const { header, scenario, seed } = plan;
  const { telling, onEvent } = ears;
  const file = join(ground.folder, 'history.ndjson');
  ears.signal?.throwIfAborted();
  await using stage = await Cluster.open({
    ...scenario.cluster,
    ...ground,
    ...{ seed, gateway: lab.gateway, visitor: lab.visitor },
    entry: ears.serverEntry ?? lab.serverEntry,
    signal: ears.signal,
    env: { ...ground.env, ...serverSettings(header, scenario) },
  });
  await ears.onStage?.(stage, ground);
  await using recorder = openRecorder({ file, header, onEvent });
  await using crowd = new Crowd(plan.clients, { doors: stage, recorder, password: lab.password });

  telling.phase('working');
  const startedAt = recorder.now();
  await together(ears.signal, (signal) => {
    const usersDone = crowd.work(startedAt, signal);
    const scene = { stage, recorder, startedAt, usersDone, signal };
    return [usersDone, makeTrouble(scenario.faults, scene)];
  });
  telling.phase('healing');
  await lookBack(stage, crowd, recorder, ears.signal);
  return [...stage.findings];
}

function about({ header, name, scenarioName, answer, seed }: RunPlan) {
  return { id: header.id, name, scenario: scenarioName, answer, seed };
}

function notTested(plan: RunPlan, lab: Lab): RunResult {
  const nothing = { folder: '', verdicts: [], surprises: [], missing: [], tookMs: 0 };
  const why = lab.redisHint ?? 'a service that the answer needs is not here';
  return { ...about(plan), ...nothing, asExpected: true, notTested: why };
}
