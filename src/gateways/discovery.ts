// Finds the servers of a group by name: all the addresses that a host name has. It asks every
// second, because names are kept current where servers come and go (compose, Kubernetes). While
// nobody answers, or the name has no address, whoever was known stays: a name server that is down
// must not take a site away, and a server that is gone is noticed by its health.

import { createHash } from 'node:crypto';
import { lookup } from 'node:dns/promises';
import { setTimeout as delay } from 'node:timers/promises';
import type { Upstream } from './gateway.ts';
import type { Discovery } from './site-file.ts';

const ASK_EVERY_MS = 1_000;

/** Tells whether they are routed to now. */
export type Found = (group: string, upstreams: readonly Upstream[]) => Promise<boolean>;

/** All addresses of a name, in any order. */
export type LookUp = (host: string) => Promise<readonly { address: string; family: number }[]>;

export class Discoverer {
  readonly #discovery: Discovery;
  readonly #lookUp: LookUp;
  #known: readonly Upstream[] = [];

  constructor(discovery: Discovery, lookUp: LookUp = (host) => lookup(host, { all: true })) {
    this.#discovery = discovery;
    this.#lookUp = lookUp;
  }

  get group(): string {
    return this.#discovery.group;
  }

  /** Undefined when it is as it was. */
  async changed(): Promise<readonly Upstream[] | undefined> {
    const { host } = this.#discovery;
    const addresses = await this.#lookUp(host).catch(() => []);
    const found = upstreamsOf(this.#discovery, addresses);
    const isSame = found.map(({ url }) => url).join() === this.#known.map(({ url }) => url).join();
    if (found.length === 0 || isSame) return undefined;
    this.#known = found;
    return found;
  }

  /** Tells of every change until it is aborted, and again of one that was not taken. */
  async follow(found: Found, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await delay(ASK_EVERY_MS, undefined, { signal }).catch(() => undefined);
      const upstreams = signal.aborted ? undefined : await this.changed();
      if (upstreams !== undefined && !(await found(this.group, upstreams))) this.#known = [];
    }
  }
}

function upstreamsOf(
  { group, port }: Discovery,
  addresses: Awaited<ReturnType<LookUp>>,
): readonly Upstream[] {
  const urls = addresses.map(({ address, family }) => {
    return `http://${family === 6 ? `[${address}]` : address}:${port}`;
  });
  return [...new Set(urls)].sort().map((url) => ({ name: `${group}-${mark(url)}`, url }));
}

/** Clients see it in the cookie of affinity, where an address would tell them too much. */
function mark(url: string): string {
  return createHash('sha256').update(url).digest('hex').slice(0, 8);
}
