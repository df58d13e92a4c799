// What users do. A workload is a plan made before the run from a seed: clients, their lanes, and
// the moment at which each operation is due (open model: a slow answer delays nobody else's start,
// and latency counts from the moment that was planned). It knows no server and sends nothing.

import type { Operation } from '../core/history.ts';
import type { Random } from '../core/random.ts';

export interface Step {
  /** When the operation is due, in milliseconds after the users start. */
  readonly atMs: number;
  readonly f: Operation;
  /** Cart item, for put; the name of a file, for transfers. */
  readonly key?: string;
  /** Quantity to add, for put; size in bytes, for send. */
  readonly val?: number;
  /** A login of who is not known: has none yet, or was taken for nobody by the answer before. */
  readonly again?: true;
  /** Ask this server directly (0 is the first), past the gateway. */
  readonly server?: number;
}

export interface ClientPlan {
  readonly client: string;
  readonly user: string;
  /**
   * Sequences that share the client's cookie jar. Lane 0 begins with a login; the other lanes
   * start when that login is acknowledged.
   */
  readonly lanes: ReadonlyArray<readonly Step[]>;
}

export interface WorkloadScope {
  readonly random: Random;
  readonly servers: number;
  /** How long users are at work, in milliseconds. */
  readonly lengthMs: number;
  readonly users: number;
}

export interface Workload {
  /** One sentence: what the users do. */
  readonly says: string;
  plan(scope: WorkloadScope): readonly ClientPlan[];
}
