// A stage on its way to who comes late: the same, without maps, for JSON. Whoever was there from
// the beginning and whoever came a moment ago then go on from the same stage, however long the
// history behind it is.

import type { Journey, Second, ServerSeen, SessionSeen, Stage } from './stage.ts';

type Pairs = readonly (readonly [bucket: number, count: number])[];

export interface StageTold
  extends Omit<Stage, 'underWay' | 'sessions' | 'servers' | 'latencies' | 'seconds'> {
  readonly underWay: readonly Journey[];
  readonly sessions: readonly SessionSeen[];
  readonly servers: readonly ServerSeen[];
  readonly latencies: Pairs;
  readonly seconds: readonly (Omit<Second, 'latencies'> & { readonly latencies: Pairs })[];
}

export function told(stage: Stage): StageTold {
  return {
    ...stage,
    underWay: [...stage.underWay.values()],
    sessions: [...stage.sessions.values()],
    servers: [...stage.servers.values()],
    latencies: [...stage.latencies],
    seconds: stage.seconds.map((each) => ({ ...each, latencies: [...each.latencies] })),
  };
}

/** What was told, as it was. */
export function heard(stage: StageTold): Stage {
  return {
    ...stage,
    underWay: new Map(stage.underWay.map((each) => [each.i, each])),
    sessions: new Map(stage.sessions.map((each) => [each.name, each])),
    servers: new Map(stage.servers.map((each) => [each.name, each])),
    latencies: new Map(stage.latencies),
    seconds: stage.seconds.map((each) => ({ ...each, latencies: new Map(each.latencies) })),
  };
}
