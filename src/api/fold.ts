// One batch of events on its way into a stage. It owns copies of what it changes, so that the stage
// it began with stays as it is; entries themselves are replaced and never changed.

import type {
  Completion,
  FaultEvent,
  HistoryEvent,
  Invocation,
  RunHeader,
} from '../core/history.ts';
import { note } from './latency.ts';
import { type Known, reasonOf } from './reason.ts';
import { ended, expired, observed, opened } from './session-seen.ts';
import {
  type Arrived,
  emptyStage,
  type Fate,
  type Journey,
  type Mark,
  markOf,
  noTally,
  type Second,
  type ServerSeen,
  type SessionSeen,
  type Stage,
  type Tally,
} from './stage.ts';

const arrivedMax = 200;
const underWayMax = 2_000;
const sessionsMax = 1_000;
const troublesMax = 200;
const secondsMax = 600;

type Writable<T> = { -readonly [Key in keyof T]: T[Key] };

export class Fold {
  #stage: Writable<Stage>;
  #underWay = new Map<number, Journey>();
  #sessions = new Map<string, SessionSeen>();
  #counts = { ...emptyStage.sessionCounts };
  #servers = new Map<string, ServerSeen>();
  #arrived: Arrived[] = [];
  #seconds: Second[] = [];
  #latencies = new Map<number, number>();

  constructor(stage: Stage) {
    this.#stage = { ...stage };
    this.#own(stage);
  }

  take(event: HistoryEvent): void {
    if (event.t === 'run') this.#begin(event);
    else if (event.t === 'invoke') this.#depart(event);
    else if (event.t === 'fault') this.#fault(event);
    else this.#arrive(event);
    this.#stage.events += 1;
  }

  stage(): Stage {
    return {
      ...this.#stage,
      underWay: this.#underWay,
      sessions: this.#sessions,
      sessionCounts: this.#counts,
      servers: this.#servers,
      arrived: this.#arrived.slice(-arrivedMax),
      seconds: this.#seconds.slice(-secondsMax),
      latencies: this.#latencies,
    };
  }

  #own(stage: Stage): void {
    this.#underWay = new Map(stage.underWay);
    this.#sessions = new Map(stage.sessions);
    this.#counts = { ...stage.sessionCounts };
    this.#servers = new Map(stage.servers);
    this.#arrived = [...stage.arrived];
    this.#seconds = [...stage.seconds];
    this.#latencies = new Map(stage.latencies);
  }

  #begin(run: RunHeader): void {
    this.#stage = { ...emptyStage, run };
    this.#own(emptyStage);
    for (const name of run.servers) this.#server(name, {});
  }

  #depart(event: Invocation): void {
    const { i, f, client, user, sess, to, key, tPlan, tInv } = event;
    this.#stage.now = tInv;
    const session = this.#sessions.get(sess ?? '');
    this.#underWay.set(i, {
      ...{ i, f, client, user, sess, to },
      sessEndedAt: session?.endedAt ?? null,
      ...(key !== undefined && { item: key }),
      plannedAt: tPlan,
      startedAt: tInv,
    });
    dropOldest(this.#underWay, underWayMax);
  }

  #arrive(event: Completion): void {
    const { i, tEnd } = event;
    const journey = this.#underWay.get(i);
    this.#stage.now = tEnd;
    if (journey === undefined) return;
    this.#underWay.delete(i);
    const [server = null, incarnation = null] = event.server?.split('#') ?? [];
    const fate = fateOf(event, journey);
    const bare = {
      ...journey,
      ...{ fate, server, status: event.status },
      incarnation: incarnation === null ? null : Number(incarnation),
      problem: event.reason ?? null,
      began: event.sess ?? null,
      endedAt: tEnd,
      tookMs: tEnd - journey.plannedAt,
      right: this.#isRight(journey, fate),
    };
    // Said of what was known before; learning from it comes after.
    const arrived = { ...bare, why: reasonOf(bare, this.#known()) };
    this.#learn(arrived, event);
    this.#arrived.push(arrived);
    if (this.#arrived.length > 2 * arrivedMax) this.#arrived = this.#arrived.slice(-arrivedMax);
    this.#stage.arrivals += 1;
    this.#count(arrived);
  }

  #isRight(journey: Journey, fate: Fate): boolean | null {
    const { f, sess, sessEndedAt } = journey;
    if (fate === 'another') return false;
    if (fate === 'refused' || fate === 'lost') return null;
    if (f === 'forge') return fate === 'nobody';
    if (f === 'login') return fate === 'known';
    const session = this.#sessions.get(sess ?? '');
    if (session === undefined) return null;
    if (sessEndedAt !== null) return fate === 'nobody';
    const mayHaveEnded = session.endedAt !== null || this.#isLeaving(session);
    if (mayHaveEnded || expired(session, this.#stage.run, journey.startedAt)) return null;
    return fate === 'known';
  }

  /** Is a logout under way that may end it? */
  #isLeaving({ name, user }: SessionSeen): boolean {
    return [...this.#underWay.values()].some(
      (each) =>
        (each.f === 'logout' && each.sess === name) ||
        (each.f === 'logout-everywhere' && each.user === user),
    );
  }

  #learn(arrived: Arrived, { t, set }: Completion): void {
    const { f, sess, fate, server, incarnation, endedAt } = arrived;
    if (server !== null) {
      const before = this.#servers.get(server);
      this.#server(server, { ...(incarnation !== null && { incarnation }) });
      const isBack = before?.incarnation !== incarnation && before?.state === 'down';
      if (isBack) this.#server(server, { state: 'up' });
    }
    const session = this.#sessions.get(sess ?? '');
    if (t === 'ok' && fate === 'known') {
      if (session && (f === 'login' || f === 'logout')) this.#put(ended(session, endedAt));
      else if (f === 'logout-everywhere') this.#endAll(arrived);
      else if (session && set !== undefined) this.#put({ ...session, issuedAt: endedAt });
      if (f === 'login' && arrived.began !== null) this.#open(arrived);
    }
    const asked = this.#sessions.get(sess ?? '');
    if (asked === undefined || f === 'login' || f === 'forge') return;
    const isOver = fate === 'nobody' && expired(asked, this.#stage.run, arrived.startedAt);
    this.#put(isOver ? ended(asked, endedAt) : observed(asked, arrived, this.#servers));
  }

  #known(): Known {
    const { run, troubles } = this.#stage;
    return { run, troubles, sessions: this.#sessions, servers: this.#servers };
  }

  #open(arrived: Arrived): void {
    this.#put(opened(arrived));
    if (this.#sessions.size <= sessionsMax) return;
    const over = [...this.#sessions.values()].find(({ state }) => state === 'ended');
    const [oldest] = this.#sessions.values();
    const forgotten = over ?? oldest;
    if (forgotten === undefined) return;
    this.#sessions.delete(forgotten.name);
    this.#counts[forgotten.state] -= 1;
  }

  /** What began after the logout everywhere did may have escaped it. */
  #endAll({ user, startedAt, endedAt }: Arrived): void {
    for (const session of this.#sessions.values()) {
      if (session.user === user && session.madeAt < startedAt) this.#put(ended(session, endedAt));
    }
  }

  #put(session: SessionSeen): void {
    const before = this.#sessions.get(session.name);
    if (before) this.#counts[before.state] -= 1;
    this.#counts[session.state] += 1;
    this.#sessions.set(session.name, session);
  }

  #server(name: string, news: Partial<ServerSeen>): void {
    const before = this.#servers.get(name);
    const fresh = { name, incarnation: 1, state: 'up', forgotAt: null, tally: noTally } as const;
    this.#servers.set(name, { ...fresh, ...before, ...news });
  }

  #count(arrived: Arrived): void {
    const { server, endedAt, tookMs } = arrived;
    const mark = markOf(arrived);
    this.#stage.tally = plus(this.#stage.tally, mark);
    note(this.#latencies, tookMs);
    if (server !== null) {
      this.#server(server, { tally: plus(this.#servers.get(server)?.tally ?? noTally, mark) });
    }
    const at = Math.floor(endedAt / 1_000);
    const last = this.#seconds.at(-1);
    const isSame = last?.at === at;
    const latencies = new Map(isSame ? last.latencies : []);
    note(latencies, tookMs);
    const sessions = { ...this.#counts };
    const second = { at, tally: plus(isSame ? last.tally : noTally, mark), latencies, sessions };
    if (isSame) this.#seconds[this.#seconds.length - 1] = second;
    else this.#seconds.push(second);
    if (this.#seconds.length > 2 * secondsMax) this.#seconds = this.#seconds.slice(-secondsMax);
  }

  #fault({ kind, target, phase, at }: FaultEvent): void {
    this.#stage.now = at;
    const troubles = [...this.#stage.troubles];
    const open = troubles.findLastIndex(
      (each) => each.kind === kind && each.target === target && each.to === null,
    );
    const found = troubles[open];
    if (phase === 'begin') troubles.push({ kind, target, from: at, to: null });
    else if (found) troubles[open] = { ...found, to: at };
    this.#stage.troubles = troubles.slice(-troublesMax);
    this.#touch({ kind, target, phase, at });
  }

  /** What the fault does to the servers that it names. */
  #touch({ kind, target, phase, at }: Omit<FaultEvent, 't'>): void {
    const change = serverChanges[kind]?.[phase];
    if (change === undefined) return;
    for (const name of target.split(', '))
      if (this.#servers.has(name)) this.#server(name, change(at));
  }
}

type Change = (at: number) => Partial<ServerSeen>;
const isUp: Change = () => ({ state: 'up' });
const dies: Change = (at) => ({ state: 'down', forgotAt: at });

const serverChanges: Readonly<Record<string, { readonly begin?: Change; readonly end?: Change }>> =
  {
    crash: { begin: dies, end: isUp },
    restart: { begin: dies, end: isUp },
    'rolling-restart': { begin: (at) => ({ forgotAt: at }) },
    pause: { begin: () => ({ state: 'paused' }), end: isUp },
    remove: { begin: (at) => ({ state: 'removed', forgotAt: at }) },
    add: { end: isUp },
  };

function fateOf(event: Completion, { user }: Journey): Fate {
  if (event.t === 'ok' && event.seen !== undefined) {
    if (event.seen.user === null) return 'nobody';
    return event.seen.user === user ? 'known' : 'another';
  }
  const { status } = event;
  const isTold = status !== null && status !== 502 && status !== 504 && event.t !== 'info';
  return isTold ? 'refused' : 'lost';
}

function plus(tally: Tally, mark: Mark): Tally {
  return { ...tally, [mark]: tally[mark] + 1 };
}

function dropOldest<K>(map: Map<K, unknown>, most: number): void {
  if (map.size <= most) return;
  for (const key of map.keys()) {
    map.delete(key);
    return;
  }
}
