// A lane that is played with by hand: a cluster of its own, the cookie jars of whoever logs in, a
// thief, and a stream of requests that clients who are logged in send by turns. Everything goes
// over the wire to real servers and is recorded; nothing is made up here.

import { basename, join } from 'node:path';
import type { Completion, HistoryEvent, RunHeader } from '../core/history.ts';
import { lifetimes } from '../core/limits.ts';
import { Client } from '../lab/client.ts';
import { Cluster } from '../lab/cluster.ts';
import { type Lab, peoplePassword } from '../lab/lab.ts';
import { storeTimeoutMs } from '../lab/plan.ts';
import { openRecorder, type Recorder } from '../lab/recorder.ts';
import { answers } from '../scenarios/scenario.ts';
import * as strategies from '../strategies/index.ts';
import type { Step } from '../workloads/workload.ts';
import { Cannot } from './cannot.ts';
import type { LaneWish } from './contract.ts';
import { Interventions } from './interventions.ts';
import type { Lane } from './lane.ts';
import { Stream } from './stream.ts';

const clientsMax = 50;
const thief = 'mallory';

export interface HandOptions {
  readonly lane: Lane;
  readonly wish: LaneWish;
  readonly lab: Lab;
  /** As many events its history may hold. */
  readonly eventsMax: number;
  readonly signal: AbortSignal;
}

export class ByHand implements AsyncDisposable {
  readonly stage: Cluster;
  readonly interventions: Interventions;
  readonly stream: Stream;
  readonly #lane: Lane;
  readonly #eventsMax: number;
  #events = 0;
  readonly #recorder: Recorder;
  readonly #clients = new Map<string, Client>();
  readonly #busy = new WeakMap<Client, Set<number>>();
  /** Since when clients have what they carry, on the recorder's clock. */
  readonly #issuedAt = new Map<string, number>();
  readonly #renewAfterMs: number;
  /** Who waits for the completion of an operation, and the latest that has begun. */
  readonly #waiting = new Map<number, (completion: Completion) => void>();
  #invoked = 0;
  #stolenFrom: string | undefined;
  #numbers = 0;
  /** What all this stands on. */
  #ground: AsyncDisposableStack | undefined;

  constructor(options: HandOptions, stage: Cluster, recorder: Recorder) {
    const { strategy } = answers[options.wish.answer];
    this.stage = stage;
    this.#lane = options.lane;
    this.#eventsMax = options.eventsMax;
    this.#recorder = recorder;
    this.interventions = new Interventions(stage, recorder, () => options.lane.changed());
    this.stream = new Stream(recorder, (tPlan) => this.#turn(tPlan));
    // A program renews its token in time, as far as there is one to renew.
    const { accessTokenMs } = lifetimes;
    const renews = strategies[strategy].selfContained;
    this.#renewAfterMs = renews ? 0.6 * accessTokenMs : Number.POSITIVE_INFINITY;
  }

  /** @throws Cannot when this machine lacks what the answer needs. */
  static async open(options: HandOptions): Promise<ByHand> {
    const { lane, wish, lab, signal } = options;
    await using stack = new AsyncDisposableStack();
    const prepared = await lab.prepare(`${wish.answer}-by-hand`, wish.answer);
    if (prepared === undefined) throw new Cannot(lab.redisHint ?? 'A service is missing here');
    const ground = stack.use(prepared);
    lane.become({ run: `${basename(lab.folder)}.${basename(ground.folder)}` });
    await lane.openStore(ground.sessionStoreUrl, lab);
    let hand: ByHand | undefined;
    const stage = stack.use(
      await Cluster.open({
        ...ground,
        ...{ servers: wish.servers, policy: wish.policy, seed: 'by-hand', entry: lab.serverEntry },
        ...{ gateway: lab.gateway, visitor: lab.visitor, signal },
        env: { ...ground.env, STORE_TIMEOUT_MS: String(storeTimeoutMs) },
        onDeath: (name) => {
          if (!signal.aborted) hand?.interventions.died(name);
        },
      }),
    );
    const onEvent = (event: HistoryEvent) => {
      hand?.heard(event);
      lane.hear(event);
    };
    const file = join(ground.folder, 'history.ndjson');
    const recorder = stack.use(openRecorder({ file, header: headerOf(wish, stage), onEvent }));
    hand = new ByHand(options, stage, recorder);
    lane.show(stage);
    hand.#ground = stack.move();
    return hand;
  }

  /** @throws Cannot when the history holds as much as it may: nothing more is done here. */
  mustHaveRoom(): void {
    if (this.#events >= this.#eventsMax) throw new Cannot(this.#fullNotice);
  }

  get #fullNotice(): string {
    const held = this.#eventsMax.toLocaleString('en');
    return `The history of this run is full (${held} events): open lanes anew to go on`;
  }

  heard(event: HistoryEvent): void {
    this.#events += 1;
    if (this.#events === this.#eventsMax) {
      this.setStream(0);
      this.#lane.become({ notice: this.#fullNotice });
    }
    if (event.t === 'invoke') this.#invoked = event.i;
    else if (event.t === 'ok' || event.t === 'fail' || event.t === 'info') {
      this.#waiting.get(event.i)?.(event);
      this.#waiting.delete(event.i);
    }
  }

  async logIn(name: string, user: string): Promise<string> {
    const known = this.#clients.get(name);
    if (name === thief) throw new Cannot(`${thief} has no account: steal something first`);
    if (known && known.user !== user) throw new Cannot(`${name} carries what is ${known.user}'s`);
    if (!known && this.#clients.size >= clientsMax)
      throw new Cannot(`There are ${clientsMax} clients`);
    return this.#perform(known ?? this.#make(name, user), { atMs: 0, f: 'login' });
  }

  request(name: string, server: string | undefined): Promise<string> {
    const at = this.stage.servers().findIndex((each) => each.name === server);
    if (server !== undefined && at < 0) throw new Cannot(`There is no ${server} here`);
    return this.#by(name, { atMs: 0, f: 'whoami', ...(server !== undefined && { server: at }) });
  }

  addToCart(name: string, item: string): Promise<string> {
    return this.#by(name, { atMs: 0, f: 'put', key: item, val: 1 });
  }

  logOut(name: string, f: 'logout' | 'logout-everywhere'): Promise<string> {
    return this.#by(name, { atMs: 0, f });
  }

  /** The thief takes what the client carries now, in place of what was stolen before. */
  async steal(name: string): Promise<string> {
    const victim = this.#loggedIn(name);
    if (name === thief) throw new Cannot(`${thief} has it already`);
    await this.#clients.get(thief)?.[Symbol.asyncDispose]();
    this.#make(thief, victim.user).steal(victim);
    this.#stolenFrom = name;
    this.#tellClients();
    return `${thief} has a copy of what ${name} carries`;
  }

  setStream(perSecond: number): string {
    this.stream.set(perSecond);
    this.#lane.become({ perSecond });
    return perSecond === 0 ? 'the stream has ended' : `${perSecond} requests are sent a second`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.stream.set(0);
    await Promise.all([...this.#clients.values()].map((each) => each[Symbol.asyncDispose]()));
    await this.#ground?.disposeAsync();
  }

  #make(name: string, user: string): Client {
    this.#numbers += 1;
    const doors = this.stage;
    const client = new Client({
      ...{ name, user, password: peoplePassword, number: this.#numbers },
      ...{ doors, recorder: this.#recorder },
    });
    this.#clients.set(name, client);
    this.#busy.set(client, new Set());
    return client;
  }

  #loggedIn(name: string): Client {
    const client = this.#clients.get(name);
    if (client?.isLoggedIn !== true) throw new Cannot(`${name} is not logged in`);
    return client;
  }

  async #by(name: string, step: Step): Promise<string> {
    return this.#perform(this.#loggedIn(name), step);
  }

  /** Each sequence of operations of a client has a number: those at once have several. */
  async #perform(client: Client, step: Step, tPlan = this.#recorder.now()): Promise<string> {
    const busy = this.#busy.get(client) ?? new Set();
    let lane = 0;
    while (busy.has(lane)) lane += 1;
    busy.add(lane);
    const before = client.sess;
    const performing = client.perform(step, lane, tPlan);
    // Performing begins by putting the invocation on record.
    const answered = new Promise<Completion>((hear) => this.#waiting.set(this.#invoked, hear));
    await performing;
    busy.delete(lane);
    if (step.f === 'login' || step.f === 'refresh') this.#issuedAt.set(client.name, tPlan);
    if (client.sess !== before || step.f === 'login') this.#tellClients();
    return told(await answered);
  }

  /** Whose turn it is in the stream sends one request; nobody does when nobody is logged in. */
  #turn(tPlan: number): Promise<unknown> | undefined {
    const ready = [...this.#clients.values()].filter(
      ({ name, isLoggedIn }) => isLoggedIn && name !== thief,
    );
    const client = ready[this.stream.turns % ready.length];
    if (client === undefined) return undefined;
    const isOld = tPlan - (this.#issuedAt.get(client.name) ?? tPlan) > this.#renewAfterMs;
    if (isOld) this.#issuedAt.set(client.name, tPlan);
    return this.#perform(client, { atMs: 0, f: isOld ? 'refresh' : 'whoami' }, tPlan);
  }

  #tellClients(): void {
    const clients = [...this.#clients.values()].map(({ name, user, sess }) => {
      const stolen = name === thief && this.#stolenFrom !== undefined;
      return { name, user, sess, ...(stolen && { stolenFrom: this.#stolenFrom ?? '' }) };
    });
    this.#lane.become({ clients });
  }
}

/** In few words: those of other lanes stand beside it, and the page says why. */
function told({ status, server }: Completion): string {
  const [who = 'the gateway'] = server?.split('#') ?? [];
  return status === null ? 'no answer' : `${status} from ${who}`;
}

function headerOf({ answer, policy }: LaneWish, stage: Cluster): RunHeader {
  return {
    t: 'run',
    id: `${answer}-by-hand`,
    scenario: 'by-hand',
    ...{ answer, policy, lifetimes, seed: 'by-hand' },
    servers: stage.servers().map(({ name }) => name),
    selfContained: strategies[answers[answer].strategy].selfContained,
  };
}
