// The groups as nginx is to serve them: what is routed to, and who of them may be asked just now.
// Host names are looked up here, once for each routing, because nginx would take all addresses of a
// name for servers of their own and refuse to start without one.

import { lookup } from 'node:dns/promises';
import * as policies from '../../policies/index.ts';
import type { Policy } from '../../policies/policy.ts';
import type { GatewayOptions, Upstream } from '../gateway.ts';
import { askable, type Checked, unchecked } from '../health.ts';

export interface SiteServer extends Checked {
  readonly name: string;
  /** address:port, as nginx writes it. */
  readonly address: string;
}

export interface SiteGroup {
  readonly name: string;
  /** The name as part of a variable's. */
  readonly variable: string;
  readonly policyName: string;
  readonly policy: Policy;
  readonly cookies: readonly string[] | undefined;
  readonly servers: readonly SiteServer[];
  /** Those of them that may be asked. */
  readonly fit: readonly SiteServer[];
}

interface Kept {
  readonly policyName: string;
  readonly policy: Policy;
  readonly cookies: readonly string[] | undefined;
  servers: readonly SiteServer[];
}

export class NginxSite {
  readonly #groups = new Map<string, Kept>();

  /** @throws Error for names that do not fit together. */
  static async open({ groups, routes }: GatewayOptions): Promise<NginxSite> {
    const site = new NginxSite();
    for (const { name, policy: policyName, cookies, upstreams } of groups) {
      const policy: Policy | undefined = new Map(Object.entries(policies)).get(policyName);
      if (policy === undefined) throw new Error(`No policy is called ${policyName}`);
      if (!/^[A-Za-z\d-]+$/.test(name)) throw new Error(`No name for a group: ${name}`);
      site.#groups.set(name, { policyName, policy, cookies, servers: [] });
      await site.route(name, upstreams);
    }
    for (const { path, group } of routes) {
      if (group !== undefined && !site.#groups.has(group))
        throw new Error(`${path} leads to no group: ${group}`);
    }
    return site;
  }

  /** @throws Error for a group that is not there, or a server that cannot be found. */
  async route(group: string, upstreams: readonly Upstream[]): Promise<void> {
    const kept = this.#groups.get(group);
    if (kept === undefined) throw new Error(`There is no group ${group}`);
    const routed = await Promise.all(upstreams.map(located));
    kept.servers = routed.map((server) => {
      const known = kept.servers.find(({ name }) => name === server.name);
      return known?.address === server.address ? known : server;
    });
  }

  groups(): readonly SiteGroup[] {
    return [...this.#groups].map(([name, kept]) => ({
      ...{ name, variable: name.replaceAll('-', '_'), ...kept },
      fit: askable(kept.servers),
    }));
  }

  *servers(): Iterable<SiteServer> {
    for (const { servers } of this.#groups.values()) yield* servers;
  }
}

async function located({ name, url }: Upstream): Promise<SiteServer> {
  if (!/^[\w.-]+$/.test(name)) throw new Error(`No name for a server: ${name}`);
  const parsed = new URL(url);
  const { address, family } = await lookup(parsed.hostname.replace(/^\[|\]$/g, ''));
  const host = family === 6 ? `[${address}]` : address;
  return { name, address: `${host}:${parsed.port || 80}`, ...unchecked(parsed) };
}
