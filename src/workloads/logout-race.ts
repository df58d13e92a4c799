// A logout meets everything that may be under way: additions to the cart from two other tabs, sent
// to every server directly, looks that are due to note the use of the session, and for every third
// user the refresh of the very credential. What writes late must not bring the session back, which
// the dead credential, presented on every server afterwards, would show.

import type { Random } from '../core/random.ts';
import { replays } from './logout-replay.ts';
import type { Step, Workload } from './workload.ts';

/** Around the logout, in milliseconds: before it, with it, and while it is under way. */
const aroundMs = [-60, -40, -25, -15, -10, -6, -3, -1, 0, 1, 3, 6, 10, 15] as const;
const replayAfterMs = [100, 300, 700] as const;

export const logoutRace: Workload = {
  says: 'log out while writes, uses and refreshes of the session are under way on every server',
  plan: ({ random, servers, lengthMs, users }) =>
    Array.from({ length: users }, (_, index) => {
      const client = `c${index + 1}`;
      const own = random.fork(client);
      const race = new Race(own, servers, lengthMs, index % 3 === 2);
      return { client, user: `user${index + 1}`, lanes: race.lanes() };
    }),
};

class Race {
  readonly #random: Random;
  readonly #servers: number;
  readonly #loginAtMs: number;
  readonly #logoutAtMs: number;
  readonly #refreshes: boolean;

  constructor(random: Random, servers: number, lengthMs: number, refreshes: boolean) {
    this.#random = random;
    this.#servers = servers;
    this.#loginAtMs = Math.round(0.15 * lengthMs * random.next());
    this.#logoutAtMs = Math.round((0.35 + 0.25 * random.next()) * lengthMs);
    this.#refreshes = refreshes;
  }

  lanes(): readonly (readonly Step[])[] {
    return [this.#leaving(), this.#adding(), this.#adding(), this.#looking()];
  }

  #leaving(): readonly Step[] {
    const refresh = { atMs: this.#logoutAtMs - 2, f: 'refresh' } as const;
    return [
      { atMs: this.#loginAtMs, f: 'login' },
      ...(this.#refreshes ? [refresh] : []),
      { atMs: this.#logoutAtMs, f: 'logout' },
      ...replayAfterMs.flatMap((ms) => replays(this.#servers, this.#logoutAtMs + ms)),
    ];
  }

  #adding(): readonly Step[] {
    return aroundMs.map((ms) => ({ ...this.#near(ms), f: 'put', key: 'apple', val: 1 }));
  }

  #looking(): readonly Step[] {
    return aroundMs.map((ms) => ({ ...this.#near(ms), f: 'whoami' }));
  }

  /** Through the gateway, or one of the servers, whichever comes. */
  #near(ms: number): Pick<Step, 'atMs' | 'server'> {
    const door = Math.floor(this.#random.next() * (this.#servers + 1));
    const atMs = this.#logoutAtMs + ms;
    return door === this.#servers ? { atMs } : { atMs, server: door };
  }
}
