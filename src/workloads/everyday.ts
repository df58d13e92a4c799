// A mixed day: people look around, fill carts in one or two tabs, log out and in again; some log
// out everywhere from a second device, and somebody tries credentials that were never issued.
// Logouts meet additions that are still under way, on purpose: that is where sessions come back
// from the dead. Half of the users stay logged in, so that durability is seen as well.

import type { Random } from '../core/random.ts';
import { replays } from './logout-replay.ts';
import type { ClientPlan, Step, Workload, WorkloadScope } from './workload.ts';

type Kind = 'stays' | 'leaves' | 'two-tabs' | 'two-devices';
/** In turn, so that every kind is there in any number of users from four up. */
const kinds: readonly Kind[] = ['stays', 'leaves', 'two-tabs', 'two-devices', 'stays', 'leaves'];
const items = ['apple', 'pear', 'plum'] as const;
const replayAfterMs = [0, 20, 80, 320] as const;

export const everyday: Workload = {
  says: 'look around, fill a cart, log out and in again, on one or two devices',
  plan: (scope) =>
    Array.from({ length: scope.users }, (_, index) => {
      const kind = kinds[index % kinds.length] ?? 'stays';
      return visitor(kind, index + 1, scope);
    }).flat(),
};

function visitor(kind: Kind, number: number, scope: WorkloadScope): readonly ClientPlan[] {
  const user = `user${number}`;
  const client = `c${number}`;
  const day = new Day(scope.random.fork(client), scope);
  if (kind === 'stays') return [{ client, user, lanes: [day.stay()] }];
  if (kind === 'leaves') return [{ client, user, lanes: [day.leaveAndReturn()] }];
  if (kind === 'two-tabs') return [{ client, user, lanes: day.twoTabs() }];
  return [
    { client, user, lanes: [day.stay()] },
    { client: `${client}b`, user, lanes: [day.logoutEverywhere()] },
  ];
}

/** Moments are given as parts of the whole length, 0 to 1. */
class Day {
  readonly #random: Random;
  readonly #scope: WorkloadScope;

  constructor(random: Random, scope: WorkloadScope) {
    this.#random = random;
    this.#scope = scope;
  }

  stay(): readonly Step[] {
    const parts = [0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9];
    const busy = parts.map((part, index) => {
      if (index === 1 || index === 4) return this.#put(this.#near(part));
      return { atMs: this.#near(part), f: index === 6 ? 'read' : 'whoami' } as const;
    });
    return [this.#login(), ...busy, { atMs: this.#near(0.97), f: 'forge' }];
  }

  leaveAndReturn(): readonly Step[] {
    const logoutAtMs = this.#near(0.45);
    return [
      this.#login(),
      this.#put(this.#near(0.2)),
      { atMs: this.#near(0.3), f: 'whoami' },
      ...this.#logout(logoutAtMs),
      { atMs: logoutAtMs + 330, f: 'login' },
      { atMs: logoutAtMs + 340, f: 'whoami' },
      { atMs: this.#near(0.9), f: 'whoami' },
    ];
  }

  /** The second tab keeps adding while the first logs out. */
  twoTabs(): readonly (readonly Step[])[] {
    const logoutAtMs = this.#near(0.55);
    const meet = [0.2, 0.26, 0.32, 0.38].map((part) => this.#put(this.#near(part)));
    const across = [-4, -2, -1, 0, 1, 2].map((ms) => this.#put(logoutAtMs + ms));
    const left = [this.#login(), ...meet, { atMs: this.#near(0.44), f: 'read' as const }];
    return [
      [...left, ...this.#logout(logoutAtMs)],
      [...meet, ...across],
    ];
  }

  logoutEverywhere(): readonly Step[] {
    const atMs = this.#near(0.6);
    return [
      this.#login(),
      { atMs: this.#near(0.3), f: 'whoami' },
      { atMs, f: 'logout-everywhere' },
      ...replays(this.#scope.servers, atMs + 20),
    ];
  }

  #logout(atMs: number): readonly Step[] {
    const replaying = replayAfterMs.flatMap((ms) => replays(this.#scope.servers, atMs + ms));
    return [{ atMs, f: 'logout' }, ...replaying];
  }

  #login(): Step {
    return { atMs: Math.round(this.#random.next() * 0.1 * this.#scope.lengthMs), f: 'login' };
  }

  #put(atMs: number): Step {
    return { atMs, f: 'put', key: this.#random.pick(items), val: 1 };
  }

  #near(part: number): number {
    return Math.round((part + this.#random.next() * 0.05) * this.#scope.lengthMs);
  }
}
