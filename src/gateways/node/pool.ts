// The servers of one group: who they are, how busy, and whom a request may be given to.

import type { Candidate } from '../../policies/policy.ts';
import type { Upstream } from '../gateway.ts';
import { askable, type Checked, startChecking, unchecked } from '../health.ts';

export interface PooledServer extends Candidate, Checked {
  inFlight: number;
}

export class Pool {
  readonly #isChecked: boolean;
  #servers: readonly PooledServer[] = [];

  constructor(isChecked: boolean) {
    this.#isChecked = isChecked;
  }

  route(upstreams: readonly Upstream[]): void {
    this.#servers = upstreams.map(({ name, url }) => {
      const known = this.#servers.find((server) => server.name === name);
      const parsed = new URL(url);
      if (known?.url.href === parsed.href) return known;
      return { name, inFlight: 0, ...unchecked(parsed) };
    });
  }

  /** In the order of the route. */
  candidates(except: ReadonlySet<PooledServer>): readonly PooledServer[] {
    const untried = this.#servers.filter((server) => !except.has(server));
    return this.#isChecked ? askable(untried) : untried;
  }

  inFlight(): number {
    return this.#servers.reduce((sum, server) => sum + server.inFlight, 0);
  }

  startChecking(): void {
    if (this.#isChecked) startChecking(() => this.#servers);
  }
}

/** A request could not be connected: the server is down until a check says otherwise. */
export function refused(server: PooledServer): void {
  server.health = 'down';
}
