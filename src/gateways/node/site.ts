// Which group of servers a path leads to, and what the gateway knows of each group.

import type { Random } from '../../core/random.ts';
import * as policies from '../../policies/index.ts';
import type { Picker, Policy } from '../../policies/policy.ts';
import type { GatewayOptions, Group, Route, Upstream } from '../gateway.ts';
import { Pool } from './pool.ts';

export interface Destination {
  readonly route: Route;
  /** Absent: nobody is asked. */
  readonly to?: Servers;
}

export interface Servers {
  readonly group: Group;
  readonly pool: Pool;
  readonly policy: Policy;
  readonly picker: Picker;
}

export class Site {
  readonly #destinations: readonly Destination[];
  readonly #servers: ReadonlyMap<string, Servers>;

  /** @throws Error for a policy or group that is not there. */
  constructor({ groups, routes }: Pick<GatewayOptions, 'groups' | 'routes'>, random: Random) {
    this.#servers = new Map(groups.map((group) => [group.name, open(group, random)]));
    const longestFirst = routes.toSorted((one, other) => other.path.length - one.path.length);
    this.#destinations = longestFirst.map((route) => {
      if (route.group === undefined) return { route };
      const to = this.#servers.get(route.group);
      if (to === undefined) throw new Error(`${route.path} leads to no group: ${route.group}`);
      return { route, to };
    });
  }

  /** @param path as it came, without the query. */
  destination(path: string): Destination | undefined {
    return this.#destinations.find(({ route }) =>
      route.path.endsWith('/') ? path.startsWith(route.path) : path === route.path,
    );
  }

  has(group: string): boolean {
    return this.#servers.has(group);
  }

  route(group: string, upstreams: readonly Upstream[]): void {
    this.#servers.get(group)?.pool.route(upstreams);
  }

  inFlight(): number {
    return this.pools().reduce((sum, pool) => sum + pool.inFlight(), 0);
  }

  pools(): readonly Pool[] {
    return [...this.#servers.values()].map(({ pool }) => pool);
  }
}

function open(group: Group, random: Random): Servers {
  const { name, policy: policyName, upstreams } = group;
  const policy: Policy | undefined = new Map(Object.entries(policies)).get(policyName);
  if (policy === undefined) throw new Error(`No policy is called ${policyName}`);
  const pool = new Pool(group.unchecked !== true);
  pool.route(upstreams);
  return { group, pool, policy, picker: policy.start(random.fork(`policy ${name}`)) };
}
