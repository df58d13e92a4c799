// A sound system at work, told as a history: every operation takes effect at one moment between its
// start and its answer, or, when the answer was lost, at any later moment or never. There is no
// clock but the queue of events. At the end a visitor ('zoe') lives through every property once,
// all by herself; there a flaw can be planted.

import { randomUUID } from 'node:crypto';
import {
  type Completion,
  type HistoryEvent,
  type Invocation,
  isTransfer,
  type RunHeader,
} from '../../src/core/history.ts';
import type { Lifetimes } from '../../src/core/limits.ts';
import type { PropertyName } from '../../src/core/verdict.ts';
import { type Effect, fileOf, type Held, type Request, SoundSystem } from './sound-system.ts';

export interface PlannedOperation {
  readonly f: Invocation['f'];
  readonly gapMs: number;
  readonly lengthMs: number;
  /** When it takes effect, as a part of its length. */
  readonly effectAt: number;
  /** What becomes of it when it starts in a fault. */
  readonly fate: 'ok' | 'fail' | 'info-done' | 'info-never' | 'info-late';
  readonly lateMs: number;
  readonly item: string;
}

export interface Plan {
  readonly selfContained: boolean;
  readonly lifetimes: Lifetimes;
  readonly clients: readonly {
    readonly user: string;
    readonly lanes: readonly (readonly PlannedOperation[])[];
  }[];
  readonly faultAtMs: number;
  readonly faultMs: number;
}

interface Client {
  readonly name: string;
  readonly user: string;
  held: Held | undefined;
  readonly ended: Held[];
  logins: number;
}

const observations = new Set(['whoami', 'read', 'replay', 'forge', 'list', 'fetch']);

export class Model {
  readonly events: HistoryEvent[];
  readonly #plan: Plan;
  readonly #flaw: PropertyName | undefined;
  readonly #queue: { at: number; order: number; run: () => void }[] = [];
  readonly #system: SoundSystem;
  #now = 0;
  #order = 0;
  #operations = 0;
  #inFault = false;

  constructor(plan: Plan, flaw?: PropertyName) {
    this.#plan = plan;
    this.#flaw = flaw;
    this.#system = new SoundSystem(plan, flaw === 'no-lost-update' ? 'zoe' : undefined);
    const { selfContained, lifetimes } = plan;
    const names = { id: 'R', scenario: 'model', answer: 'model', seed: '0', policy: 'sticky' };
    const servers = ['s1', 's2'];
    const header: RunHeader = { t: 'run', ...names, servers, lifetimes, selfContained };
    this.events = [header];
    this.#background();
  }

  #background(): void {
    const { faultAtMs, faultMs, clients } = this.#plan;
    this.#outage(faultAtMs, faultMs);
    const crowd = clients.map(({ user }, index) => newClient(`c${index + 1}`, user));
    for (const [index, { lanes }] of clients.entries()) {
      const client = crowd[index];
      if (client) for (const [lane, plan] of lanes.entries()) this.#lane(client, lane, plan);
    }
    this.#drain();
    this.#now = Math.max(this.#now, faultAtMs + faultMs) + 2_000;
    const zoe = newClient('zoe', 'zoe');
    this.#visit(zoe);
    for (const client of [...crowd, zoe]) this.#lookBack(client);
  }

  #outage(at: number, lengthMs: number): void {
    const fault = { t: 'fault', kind: 'store-down', target: 'store' } as const;
    this.#schedule(at, () => {
      this.#inFault = true;
      this.events.push({ ...fault, phase: 'begin', at: this.#now });
    });
    this.#schedule(at + lengthMs, () => {
      this.#inFault = false;
      this.events.push({ ...fault, phase: 'end', at: this.#now });
    });
  }

  #schedule(at: number, run: () => void): void {
    this.#queue.push({ at, order: this.#order++, run });
  }

  #drain(): void {
    for (;;) {
      this.#queue.sort((a, b) => a.at - b.at || a.order - b.order);
      const next = this.#queue.shift();
      if (next === undefined) return;
      this.#now = Math.max(this.#now + 0.001, next.at);
      next.run();
    }
  }

  #lane(client: Client, lane: number, [first, ...rest]: readonly PlannedOperation[]): void {
    if (first === undefined) return;
    this.#schedule(this.#now + first.gapMs, () => {
      this.#perform(client, lane, first, 'gateway', () => this.#lane(client, lane, rest));
    });
  }

  #perform(
    client: Client,
    lane: number,
    planned: PlannedOperation,
    to: string,
    then: () => void,
  ): void {
    const { f, item, lengthMs, effectAt, lateMs } = planned;
    const held = f === 'replay' ? client.ended.at(-1) : client.held;
    if (held === undefined && f !== 'login') {
      then();
      return;
    }
    const i = ++this.#operations;
    const { user } = client;
    const request = { f, item, user, held };
    const file = fileOf(user, item);
    const tInv = this.#now;
    this.events.push({
      t: 'invoke',
      i,
      f,
      client: client.name,
      lane,
      user,
      sess: f === 'forge' ? null : (held?.sess ?? null),
      cred: f === 'forge' ? randomUUID() : (held?.cred ?? null),
      to,
      ...(f === 'put' && { key: item, val: 1 }),
      ...(f === 'send' && { val: 1, sha256: file.sha256 }),
      ...(isTransfer(f) && { key: file.id }),
      tPlan: tInv,
      tInv,
    });
    const fate = this.#inFault ? planned.fate : 'ok';
    let effect: Effect | undefined;
    const happen = () => {
      effect = this.#system.effect(request, this.#now);
    };
    if (fate === 'ok' || fate === 'info-done') this.#schedule(tInv + lengthMs * effectAt, happen);
    if (fate === 'info-late') this.#schedule(tInv + lengthMs + lateMs, happen);
    this.#schedule(tInv + lengthMs, () => {
      if (fate === 'ok' && effect) this.#answer(client, i, request, effect, to);
      else this.#silence(client, i, request, fate);
      then();
    });
  }

  #silence(client: Client, i: number, { f, held }: Request, fate: string): void {
    const surely = fate === 'fail';
    this.events.push({
      t: surely || observations.has(f) ? 'fail' : 'info',
      i,
      status: surely ? 503 : null,
      server: surely ? home(client) : null,
      tEnd: this.#now,
    });
    if (!surely && f.startsWith('logout') && held) client.ended.push(held);
  }

  #answer(client: Client, i: number, request: Request, effect: Effect, to: string): void {
    const { f, held } = request;
    const { status, user, cart, files, issued } = effect;
    const begins = f === 'login' ? { sess: `${client.name}.${++client.logins}` } : {};
    const server = to === 'gateway' ? home(client) : `${to}#1`;
    const seen = { user, ...(cart && { cart }), ...(files && { files }) };
    const set = issued === undefined ? {} : { set: issued.cred };
    const plain = { t: 'ok', i, status, server, seen, ...begins, ...set, tEnd: this.#now } as const;
    this.events.push(this.#flawed(plain, request, to));
    if (status === 401) return;
    if (f.startsWith('logout')) {
      if (held) client.ended.push(held);
      if (client.held?.sess === held?.sess) client.held = undefined;
    } else if (begins.sess && issued) {
      client.held = { sess: begins.sess, refresh: '', ...issued };
    } else if (issued && held && client.held?.sess === held.sess) {
      client.held = { ...client.held, ...issued };
    }
  }

  /** One after another: login, look, add, read, send, list, outage, logout, three replays. */
  #visit(zoe: Client): void {
    const alone = (f: Invocation['f'], to = 'gateway') => this.#does(zoe, f, to);
    for (const f of ['login', 'whoami', 'put', 'read', 'send', 'list', 'whoami'] as const) alone(f);
    this.#outage(this.#now, 20);
    this.#schedule(this.#now + 10, () =>
      this.#perform(zoe, 0, quick('whoami'), 'gateway', () => {}),
    );
    this.#drain();
    for (const f of ['logout', 'replay', 'replay', 'replay', 'login', 'put'] as const) alone(f);
  }

  #does(client: Client, f: Invocation['f'], to: string): void {
    this.#now += 1;
    this.#perform(client, 0, quick(f), to, () => {});
    this.#drain();
  }

  #lookBack(client: Client): void {
    for (const to of ['s1', 's2']) {
      this.#does(client, 'whoami', to);
      this.#does(client, 'replay', to);
    }
    this.#does(client, 'read', 'gateway');
  }

  #flawed(completion: Completion, { f, user }: Request, to: string): Completion {
    if (user !== 'zoe') return completion;
    const known = { ...completion, status: 200, seen: { user } };
    const nobody = { ...completion, status: 401, seen: { user: null } };
    const asked = to === 'gateway' && f === 'whoami';
    const replay = to === 'gateway' && f === 'replay';
    const flaw = this.#flaw;
    if (flaw === 'identity' && asked) return { ...known, seen: { user: 'mallory' } };
    if (flaw === 'durability' && asked) return nobody;
    if (flaw === 'revocation' && replay) return known;
    if (flaw === 'no-resurrection' && replay && completion.i % 2 === 0) return known;
    if (flaw === 'fails-closed' && asked && this.#inFault) return nobody;
    if (flaw === 'convergence' && f === 'whoami' && to === 's2') return nobody;
    if (flaw === 'whole-files' && f === 'list') return { ...known, seen: { user, files: [] } };
    if (flaw === 'affinity' && asked) return { ...completion, server: 's2#1' };
    if (flaw !== 'availability' || !asked) return completion;
    return { t: 'fail', i: completion.i, status: 503, server: null, tEnd: completion.tEnd };
  }
}

function newClient(name: string, user: string): Client {
  return { name, user, held: undefined, ended: [], logins: 0 };
}

function home({ name }: Client): string {
  return name === 'zoe' || name === 'c1' ? 's1#1' : 's2#1';
}

function quick(f: Invocation['f']): PlannedOperation {
  const moments = { gapMs: 1, lengthMs: 2, effectAt: 0.5, lateMs: 0 };
  return { f, ...moments, fate: 'ok', item: 'apple' };
}
