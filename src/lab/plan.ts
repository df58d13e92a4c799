// What a run will be, before anything is started: the scenario, the answer, and what each user is
// going to do, all of it decided by the seed. The same seed gives the same users the same plans
// under every answer and every policy, so that runs can be compared.

import type { RunHeader } from '../core/history.ts';
import { lifetimes } from '../core/limits.ts';
import { seededRandom } from '../core/random.ts';
import * as scenarios from '../scenarios/index.ts';
import {
  type AnswerName,
  answers,
  type Expectation,
  type Scenario,
} from '../scenarios/scenario.ts';
import * as strategies from '../strategies/index.ts';
import * as workloads from '../workloads/index.ts';
import type { ClientPlan, Workload } from '../workloads/workload.ts';

/** Runs side by side keep a small machine busy, and a busy store is not one that is out. */
export const storeTimeoutMs = 2_000;

export interface RunPlan {
  /** '<answer>-<scenario>' */
  readonly name: string;
  readonly scenarioName: string;
  readonly scenario: Scenario;
  readonly answer: AnswerName;
  readonly seed: string;
  readonly header: RunHeader;
  readonly clients: readonly ClientPlan[];
  /** How many operations the plans of all clients have. */
  readonly operations: number;
  readonly expected: Expectation;
}

/** @throws RangeError when there is no such scenario, or it makes no statement on the answer. */
export function planRun(scenarioName: string, answer: AnswerName, seed: string): RunPlan {
  const scenario = new Map<string, Scenario>(Object.entries(scenarios)).get(scenarioName);
  return planScenario(scenarioName, scenario, answer, seed);
}

/** The same for a scenario that is in no registry. */
export function planScenario(
  scenarioName: string,
  scenario: Scenario | undefined,
  answer: AnswerName,
  seed: string,
): RunPlan {
  const expected = scenario?.expect[answer];
  if (scenario === undefined || expected === undefined) {
    throw new RangeError(`There is no run ${answer}-${scenarioName}`);
  }
  const { cluster, workload, lengthMs, users } = scenario;
  const name = `${answer}-${scenarioName}`;
  const header: RunHeader = {
    t: 'run',
    id: `${name}-${seed}`,
    scenario: scenarioName,
    answer,
    seed,
    servers: Array.from({ length: cluster.servers }, (_, index) => `s${index + 1}`),
    policy: cluster.policy,
    lifetimes: { ...lifetimes, ...cluster.lifetimes },
    selfContained: strategies[answers[answer].strategy].selfContained,
  };
  const random = seededRandom(seed).fork(workload);
  const chosen: Workload = workloads[workload];
  const clients = chosen.plan({ random, servers: cluster.servers, lengthMs, users });
  const operations = clients.flatMap((client) => client.lanes.flat()).length;
  return { name, scenarioName, scenario, answer, seed, header, clients, operations, expected };
}

/** What the plan decides of the servers' configuration. */
export function serverSettings(
  { lifetimes: lives }: RunHeader,
  { cluster }: Scenario,
): NodeJS.ProcessEnv {
  return {
    STORE_TIMEOUT_MS: String(cluster.storeTimeoutMs ?? storeTimeoutMs),
    REVOCATION_STALENESS_MS: cluster.revocationStalenessMs?.toString(),
    IDLE_MS: String(lives.idleMs),
    ABSOLUTE_MS: String(lives.absoluteMs),
    ACCESS_TOKEN_MS: String(lives.accessTokenMs),
    ROTATION_GRACE_MS: String(lives.rotationGraceMs),
  };
}
