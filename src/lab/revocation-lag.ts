// How long after an acknowledged logout the dead credential is still accepted somewhere, measured
// on real servers for each answer, and held against what the answer promises. The history of a run
// would be long here and say little, so what is kept is one number per logout.

import * as stores from '../stores/index.ts';
import { newSealingKeys } from '../strategies/sealing.ts';
import type { Tally } from './chase.ts';
import { Cluster } from './cluster.ts';
import type { Lab } from './lab.ts';
import { LeavingCrowd } from './leaving-crowd.ts';
import { storeTimeoutMs } from './plan.ts';
import { together } from './together.ts';

/** What the course asks of a shared store. */
const atOnceMs = 50;
/** As a server has it when nothing is set. */
const stalenessMs = 5_000;
/** For credentials that nobody can call back: so long, and the rest of it is the lag. */
const lifetimeMs = 3_000;

export interface Measured {
  /** The answer whose ground it stands on. */
  readonly on: Parameters<Lab['prepare']>[1];
  readonly env?: NodeJS.ProcessEnv;
  /** What is promised; for one that `expires`, nothing but this. */
  readonly boundMs: number;
  readonly expires?: true;
  /** There is something to cut between the servers. */
  readonly hasPath?: true;
}

const revocable = { STRATEGY: 'token-with-revocation', REVOCATIONS: 'redis' } as const;

/** What can be measured. */
export const measured = {
  memory: { on: 'memory', boundMs: lifetimeMs, expires: true },
  postgres: { on: 'postgres', boundMs: atOnceMs, hasPath: true },
  redis: { on: 'redis', boundMs: atOnceMs, hasPath: true },
  cached: {
    on: 'cached',
    boundMs: stores.cached.claims.revocation?.withinMs ?? atOnceMs,
    hasPath: true,
  },
  token: { on: 'token', boundMs: lifetimeMs, expires: true },
  'sealed-cookie': {
    on: 'token-with-revocation',
    env: { STRATEGY: 'sealed-cookie', SEALING_KEYS: newSealingKeys() },
    boundMs: stalenessMs,
    hasPath: true,
  },
  'token-with-revocation': { on: 'token-with-revocation', boundMs: stalenessMs, hasPath: true },
  'token-with-revocation-redis': {
    on: 'redis',
    env: revocable,
    boundMs: stalenessMs,
    hasPath: true,
  },
} as const satisfies Record<string, Measured>;

export type MeasuredName = keyof typeof measured;
export type Path = 'healthy' | 'cut';

export interface LagOptions {
  readonly servers: number;
  readonly revokes: number;
  readonly path: Path;
  readonly seed: string;
  readonly signal: AbortSignal;
  /** Another program in place of the lab's servers: a planted mutant. */
  readonly serverEntry?: string;
  readonly onProgress?: (done: number) => void;
}

export interface LagResult extends Readonly<Tally> {
  readonly answer: MeasuredName;
  readonly path: Path;
  readonly servers: number;
  /** Of each acknowledged logout, ascending; zero where the credential was never accepted again. */
  readonly lagsMs: readonly number[];
  /** How many of them were accepted at least once. */
  readonly late: number;
  /** What is promised, in milliseconds. */
  readonly boundMs: number;
  readonly verdict: 'within' | 'beyond as designed' | 'beyond';
}

/** False for an answer whose servers share nothing that would tell them of a logout. */
export function canMeasure(answer: MeasuredName, path: Path): boolean {
  return path === 'healthy' || 'hasPath' in measured[answer];
}

/** Undefined when this machine lacks what the answer needs. */
export async function measureLag(
  answer: MeasuredName,
  lab: Lab,
  options: LagOptions,
): Promise<LagResult | undefined> {
  const { servers, revokes, path, seed, signal, onProgress } = options;
  const { serverEntry = lab.serverEntry } = options;
  const chosen: Measured = measured[answer];
  await using ground = await lab.prepare(`lag-${answer}-${path}`, chosen.on);
  if (ground === undefined) return undefined;
  signal.throwIfAborted();
  await using cluster = await Cluster.open({
    ...ground,
    ...{ servers, seed, signal, policy: 'round-robin' },
    ...{ entry: serverEntry, gateway: lab.gateway, visitor: lab.visitor },
    env: { ...ground.env, ...settings(chosen), ...chosen.env },
  });
  await using crowd = new LeavingCrowd(cluster, lab.password, chosen, options);
  await together(signal, () => [crowd.leave(revokes, onProgress)]);
  if (cluster.findings.length > 0) throw new Error(cluster.findings.join('; '));
  const lagsMs = crowd.ended.map(({ lagMs = 0 }) => lagMs).toSorted((a, b) => a - b);
  const late = crowd.ended.filter(({ lagMs }) => lagMs !== undefined).length;
  const { boundMs } = chosen;
  const verdict = verdictOn(lagsMs.at(-1) ?? 0, chosen);
  return { answer, path, servers, lagsMs, late, boundMs, verdict, ...crowd.tally };
}

function settings({ expires }: Measured): NodeJS.ProcessEnv {
  const life = String(lifetimeMs);
  return {
    STORE_TIMEOUT_MS: String(storeTimeoutMs),
    REVOCATION_STALENESS_MS: String(stalenessMs),
    SESSIONS_MAX: '10000',
    ...(expires && { IDLE_MS: life, ABSOLUTE_MS: life, ACCESS_TOKEN_MS: life }),
  };
}

function verdictOn(maxMs: number, { expires, boundMs }: Measured): LagResult['verdict'] {
  if (maxMs > boundMs) return 'beyond';
  return expires && maxMs > atOnceMs ? 'beyond as designed' : 'within';
}
