// One lane as everybody sees it: what is fixed about it, what its cluster is like now, and its
// history, told on as it is recorded and judged on the way. It starts nothing and sends nothing:
// who plays in it shows it the stage and lets it hear every event.

import { type Judging, startJudging } from '../checkers/engine.ts';
import type { HistoryEvent } from '../core/history.ts';
import type { Verdict } from '../core/verdict.ts';
import type { Cluster } from '../lab/cluster.ts';
import type { Lab } from '../lab/lab.ts';
import { type Answer, type AnswerName, answers } from '../scenarios/scenario.ts';
import * as stores from '../stores/index.ts';
import * as strategies from '../strategies/index.ts';
import type { ExperimentView, LaneId, LaneView, Told } from './contract.ts';
import { CrowdSeen } from './crowd-seen.ts';
import { Memories } from './memories.ts';
import { advance, emptyStage, type Stage } from './stage.ts';
import { type StageTold, told } from './stage-told.ts';

const historyEveryMs = 40;
const viewEveryMs = 50;
const verdictsEveryMs = 250;

export interface LaneFacts {
  readonly id: LaneId;
  readonly answer: AnswerName;
  readonly policy: string;
  readonly experiment: ExperimentView | null;
}

/** What changes about it, besides its cluster. */
type Now = Pick<
  LaneView,
  'state' | 'trouble' | 'clients' | 'perSecond' | 'experiment' | 'run' | 'notice'
>;

/** Where the memory is, in one sentence. */
export function whereMemoryIs(name: AnswerName): string {
  const { strategy, store }: Answer = answers[name];
  return strategy === 'session' ? stores[store].says : strategies[strategy].says;
}

export class Lane {
  readonly #facts: LaneFacts;
  readonly #tell: (told: Told) => void;
  /** As everybody sees it who has heard all that was told. */
  #seen: Stage = emptyStage;
  readonly #crowd = new CrowdSeen();
  readonly #memories: Memories;
  #judging: Judging | undefined;
  #waiting: HistoryEvent[] = [];
  #timers = new Map<string, NodeJS.Timeout>();
  #stage: Cluster | undefined;
  /** As it was when it was over. */
  #still: Pick<LaneView, 'servers' | 'store'> | undefined;
  #isMute = false;
  #now: Now;

  constructor(facts: LaneFacts, tell: (told: Told) => void) {
    this.#facts = facts;
    this.#tell = tell;
    this.#memories = new Memories(facts.answer, () => this.#later('view', viewEveryMs));
    const { experiment } = facts;
    this.#now = { state: 'starting', clients: [], perSecond: 0, experiment, run: '' };
  }

  get id(): LaneId {
    return this.#facts.id;
  }

  get answer(): AnswerName {
    return this.#facts.answer;
  }

  get state(): LaneView['state'] {
    return this.#now.state;
  }

  /** Is to be told of every event, in the order in which they happen. */
  readonly hear = (event: HistoryEvent): void => {
    if (event.t === 'run') this.#judging = startJudging(event);
    else this.#judging?.take(event);
    this.#memories.hear(event);
    this.#waiting.push(event);
    this.#later('history', historyEveryMs);
    this.#later('verdicts', verdictsEveryMs);
    const isExperiment = this.#facts.experiment !== null;
    if (isExperiment && this.#crowd.hear(event)) this.become({ clients: this.#crowd.all() });
    if (event.t === 'fault') this.#later('view', viewEveryMs);
  };

  /** The cluster, once everything in it serves. */
  show(stage: Cluster): void {
    this.#stage = stage;
    this.#memories.ask(stage);
    this.#later('view', viewEveryMs);
  }

  /** What servers and store look like stays from now on as it is. */
  keepStill(): void {
    const { servers, store } = this.view();
    const gone = servers.map((server) => ({ ...server, pid: null }));
    this.#still = { servers: gone, store };
    void this.#memories[Symbol.asyncDispose]();
  }

  /** Opens what the store is looked at with. */
  async openStore(url: string | undefined, lab: Pick<Lab, 'userId'>): Promise<void> {
    await this.#memories.openStore(url, (name) => lab.userId(name));
  }

  become(news: Partial<Now>): void {
    this.#now = { ...this.#now, ...news };
    this.#later('view', viewEveryMs);
  }

  /** Somebody changed something on the stage. */
  changed(): void {
    this.#later('view', viewEveryMs);
  }

  view(): LaneView {
    const { id, answer, policy } = this.#facts;
    const servers = this.#stage?.servers().map((server) => {
      const { sessions, inAll } = this.#memories.of(server);
      return {
        name: server.name,
        incarnation: server.incarnation,
        pid: server.pid ?? null,
        state: server.state,
        link: server.fromGateway?.state ?? 'whole',
        storeLink: server.toStore?.state ?? null,
        remembers: sessions,
        remembersInAll: inAll,
      };
    });
    return {
      ...{ id, answer, policy, says: whereMemoryIs(answer) },
      gatewayUrl: this.#stage?.gatewayUrl ?? '',
      servers: servers ?? [],
      store: this.#memories.store(this.#stage),
      ...this.#still,
      ...this.#now,
    };
  }

  seen(): StageTold {
    return told(this.#seen);
  }

  verdicts(): readonly Verdict[] {
    return this.#judging?.verdicts() ?? [];
  }

  /** Tells now what would be told in a moment. */
  flush(): void {
    for (const what of [...this.#timers.keys()]) this.#say(what);
  }

  /** Nothing is told of it any more. */
  async mute(): Promise<void> {
    this.#isMute = true;
    for (const timer of this.#timers.values()) clearTimeout(timer);
    this.#timers.clear();
    await this.#memories[Symbol.asyncDispose]();
  }

  /** Gathers what comes close together. */
  #later(what: string, ms: number): void {
    if (this.#isMute || this.#timers.has(what)) return;
    this.#timers.set(
      what,
      setTimeout(() => this.#say(what), ms),
    );
  }

  #say(what: string): void {
    clearTimeout(this.#timers.get(what));
    this.#timers.delete(what);
    const lane = this.id;
    if (what === 'view') this.#tell({ tell: 'lane', lane: this.view() });
    else if (what === 'verdicts') this.#tell({ tell: 'verdicts', lane, verdicts: this.verdicts() });
    else {
      const events = this.#waiting;
      this.#waiting = [];
      this.#seen = advance(this.#seen, events);
      this.#tell({ tell: 'history', lane, events });
    }
  }
}
