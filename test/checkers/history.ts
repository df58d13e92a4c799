// Writes histories by hand, tersely: a session is named after its user ('alice.1'), and client,
// user and credential follow from that name. Every event moves the clock by ten milliseconds unless
// a test sets it.

import { judge } from '../../src/checkers/engine.ts';
import type { Completion, HistoryEvent, Invocation, RunHeader } from '../../src/core/history.ts';
import { lifetimes } from '../../src/core/limits.ts';
import type { PropertyName, Verdict } from '../../src/core/verdict.ts';

type Answer = Partial<Completion>;

export const known = (user: string, more: Answer = {}): Answer => ({ seen: { user }, ...more });
export const nobody = (more: Answer = {}): Answer => ({
  status: 401,
  seen: { user: null },
  ...more,
});
export const done = (more: Answer = {}): Answer => ({ status: 204, ...more });
export const outage: Answer = { t: 'fail', status: 503, reason: 'store-unavailable' };
export const timeout: Answer = { t: 'info', status: null, server: null, reason: 'timeout' };
export const showing = (user: string, cart: Record<string, number>): Answer => ({
  seen: { user, cart },
});

const header: RunHeader = {
  t: 'run',
  id: 'R-1',
  scenario: 'by-hand',
  answer: 'redis',
  seed: '1',
  servers: ['s1', 's2'],
  policy: 'round-robin',
  lifetimes,
  selfContained: false,
};

export class History {
  readonly events: HistoryEvent[];
  #now = 0;
  #operations = 0;

  constructor(run: Partial<RunHeader> = {}) {
    this.events = [{ ...header, ...run }];
  }

  at(ms: number): this {
    this.#now = ms;
    return this;
  }

  /** Begins an operation; calling what is returned completes it. */
  begin(f: Invocation['f'], sess: string | null, more: Partial<Invocation> = {}) {
    const i = ++this.#operations;
    const user = more.user ?? sess?.split('.')[0] ?? 'nobody';
    const tInv = this.#tick();
    const cred = sess === null ? null : `#${sess}`;
    const asked = { f, client: user, lane: 0, user, sess, cred, to: 'gateway', tPlan: tInv, tInv };
    this.events.push({ t: 'invoke', i, ...asked, ...more });
    return (answer: Answer) => {
      const plain = { t: 'ok', status: 200, server: 's1#1' } as const;
      this.events.push({ ...plain, i, tEnd: this.#tick(), ...answer });
      return this;
    };
  }

  does(f: Invocation['f'], sess: string | null, answer: Answer, more: Partial<Invocation> = {}) {
    return this.begin(f, sess, more)(answer);
  }

  login(sess: string, answer: Answer = {}): this {
    const user = sess.split('.')[0] ?? '';
    return this.begin('login', null, { user })(known(user, { sess, set: `#${sess}`, ...answer }));
  }

  whoami(sess: string, answer: Answer, more: Partial<Invocation> = {}): this {
    return this.does('whoami', sess, answer, more);
  }

  fault(kind: string, target: string, phase: 'begin' | 'end'): this {
    this.events.push({ t: 'fault', kind, target, phase, at: this.#tick() });
    return this;
  }

  verdict(property: PropertyName): Verdict {
    const found = judge(this.events).find((verdict) => verdict.property === property);
    if (found === undefined) throw new Error(`no checker judges ${property}`);
    return found;
  }

  #tick(): number {
    this.#now += 10;
    return this.#now;
  }
}
