// What servers and store remember: asked of the processes and of the store itself, whenever
// something happened that may have changed it, and never guessed. A server that does not answer is
// shown with what it said last; one that is down remembers nothing.

import type { HistoryEvent, Operation } from '../core/history.ts';
import type { Cluster } from '../lab/cluster.ts';
import type { ClusterServer } from '../lab/cluster-server.ts';
import type { Remembering } from '../lab/supervisor.ts';
import { type Answer, type AnswerName, answers } from '../scenarios/scenario.ts';
import * as stores from '../stores/index.ts';
import type { SessionStore } from '../stores/store.ts';
import type { LinkState, Remembered, StoreView } from './contract.ts';

const askEveryMs = 200;
const storeTimeoutMs = 1_000;
const rememberedMax = 24;

const changing: ReadonlySet<Operation> = new Set([
  ...(['login', 'logout', 'logout-everywhere', 'refresh'] as const),
]);

const nothing: Remembering = { sessions: [], inAll: 0 };

export class Memories implements AsyncDisposable {
  readonly #answer: Answer;
  readonly #onNews: () => void;
  readonly #said = new Map<string, Remembering>();
  readonly #changing = new Set<number>();
  /** Who has logged in, whose sessions are asked for. */
  readonly #users = new Set<string>();
  #stage: Cluster | undefined;
  #userId: (name: string) => string | undefined = () => undefined;
  #store: SessionStore | undefined;
  #stored: Remembering = nothing;
  #timer: NodeJS.Timeout | undefined;
  #asking: Promise<void> = Promise.resolve();
  /** Something has changed since all were asked. */
  #isDue = false;
  #isOver = false;

  constructor(answer: AnswerName, onNews: () => void) {
    this.#answer = answers[answer];
    this.#onNews = onNews;
  }

  /** The store itself, past all links: faults do not keep us from looking. */
  async openStore(
    url: string | undefined,
    userId: (name: string) => string | undefined,
  ): Promise<void> {
    const { needs } = stores[this.#answer.store];
    this.#userId = userId;
    if (url === undefined || needs === 'nothing') return;
    this.#store = await stores[needs].open({ url, timeoutMs: storeTimeoutMs });
  }

  hear(event: HistoryEvent): void {
    if (event.t === 'run') return;
    if (event.t === 'fault') this.#soon();
    else if (event.t === 'invoke') {
      if (changing.has(event.f)) this.#changing.add(event.i);
      if (event.f === 'login') this.#users.add(event.user);
    } else if (this.#changing.delete(event.i)) this.#soon();
  }

  ask(stage: Cluster): void {
    this.#stage = stage;
    this.#soon();
  }

  of(server: ClusterServer): Remembering {
    return server.state === 'down' ? nothing : (this.#said.get(nameOf(server)) ?? nothing);
  }

  /** Null where servers share nothing. */
  store(stage: Cluster | undefined): StoreView | null {
    const { needs, shared } = stores[this.#answer.store];
    if (needs === 'nothing' || !shared) return null;
    const links = stage?.servers().flatMap(({ toStore }) => toStore?.state ?? []) ?? [];
    const { sessions, inAll } = this.#stored;
    return { kind: needs, state: worst(links), remembers: sessions, remembersInAll: inAll };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isOver = true;
    clearTimeout(this.#timer);
    await this.#asking;
    const store = this.#store;
    this.#store = undefined;
    await store?.[Symbol.asyncDispose]();
  }

  #soon(): void {
    this.#isDue = true;
    if (this.#isOver || this.#timer !== undefined) return;
    this.#timer = setTimeout(() => {
      this.#isDue = false;
      this.#asking = this.#askAll().finally(() => {
        this.#timer = undefined;
        if (this.#isDue) this.#soon();
      });
    }, askEveryMs);
  }

  async #askAll(): Promise<void> {
    const { store, strategy } = this.#answer;
    const keepsOwn = strategy === 'session' && !stores[store].shared;
    const servers = keepsOwn ? (this.#stage?.servers() ?? []) : [];
    const before = JSON.stringify([...this.#said, this.#stored]);
    await Promise.all([...servers.map((server) => this.#askServer(server)), this.#askStore()]);
    const names = new Set(servers.map(nameOf));
    for (const name of this.#said.keys()) if (!names.has(name)) this.#said.delete(name);
    if (JSON.stringify([...this.#said, this.#stored]) !== before) this.#onNews();
  }

  async #askServer(server: ClusterServer): Promise<void> {
    const name = nameOf(server);
    const said = await server.remembers();
    if (said !== undefined) this.#said.set(name, { sessions: said.sessions, inAll: said.inAll });
  }

  async #askStore(): Promise<void> {
    const store = this.#store;
    if (store === undefined) return;
    const ids = [...this.#users].flatMap((user) => this.#userId(user) ?? []);
    const lists = ids.map((id) => store.list(id, Date.now()));
    // A store that is silent is shown with what it held when it last spoke.
    const found = await Promise.all(lists).catch(() => undefined);
    if (found === undefined) return;
    const newest = found.flat().toSorted((one, other) => other.createdAt - one.createdAt);
    const sessions = newest
      .slice(0, rememberedMax)
      .map(({ handle, userName }): Remembered => ({ handle, user: userName }));
    this.#stored = { sessions, inAll: newest.length };
  }
}

const nameOf = ({ name, incarnation }: ClusterServer) => `${name}#${incarnation}`;

/** For all servers together, the worst of their ways to the store. */
function worst(links: readonly LinkState[]): LinkState {
  const order = ['refusing', 'cut', 'slow'] as const;
  return order.find((state) => links.includes(state)) ?? 'whole';
}
