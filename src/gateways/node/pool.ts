// The servers behind the gateway and what it knows of their health. A server is new and trusted,
// `ready`, `unready` (it answers, but not that it is ready, or it is slow) or `down` (it refuses
// connections). When no server is ready the unready ones are asked all the same: a store that is
// out makes every server unready at once, and an empty pool would turn a partial outage into a
// whole one (Envoy calls this the panic threshold).

import { get } from 'node:http';
import type { Candidate } from '../../policies/policy.ts';
import type { Upstream } from '../gateway.ts';

const CHECK_INTERVAL_MS = 250;
const CHECK_TIMEOUT_MS = 1_000;
/**
 * One late answer on a busy machine must not move every client that sticks to a server; a server
 * that says itself that it is not ready (503) is believed at once, for it may be about to leave.
 */
const FAILURES_MAX = 2;

export interface PooledServer extends Candidate {
  readonly url: URL;
  inFlight: number;
  health: 'ready' | 'unready' | 'down';
  failures: number;
  isBeingChecked: boolean;
}

type Finding = 'good' | 'bad' | 'closing' | 'refused';

export class Pool {
  #servers: readonly PooledServer[] = [];
  #timer: NodeJS.Timeout | undefined;

  route(upstreams: readonly Upstream[]): void {
    this.#servers = upstreams.map(({ name, url }) => {
      const known = this.#servers.find((server) => server.name === name);
      const parsed = new URL(url);
      if (known?.url.href === parsed.href) return known;
      return {
        name,
        url: parsed,
        inFlight: 0,
        health: 'ready',
        failures: 0,
        isBeingChecked: false,
      };
    });
  }

  /** Whom a request may be given to, in the order of the route. */
  candidates(except: ReadonlySet<PooledServer>): readonly PooledServer[] {
    const untried = this.#servers.filter((server) => !except.has(server));
    const ready = untried.filter((server) => server.health === 'ready');
    return ready.length > 0 ? ready : untried.filter((server) => server.health === 'unready');
  }

  inFlight(): number {
    return this.#servers.reduce((sum, server) => sum + server.inFlight, 0);
  }

  startChecking(): void {
    this.#timer = setInterval(() => {
      for (const server of this.#servers) if (!server.isBeingChecked) void check(server);
    }, CHECK_INTERVAL_MS);
  }

  stopChecking(): void {
    clearInterval(this.#timer);
  }
}

/** A request could not be connected: the server is down until a check says otherwise. */
export function refused(server: PooledServer): void {
  server.health = 'down';
}

async function check(server: PooledServer): Promise<void> {
  server.isBeingChecked = true;
  const finding = await ask(new URL('/health/ready', server.url));
  server.isBeingChecked = false;
  if (finding === 'good') {
    server.failures = 0;
    server.health = 'ready';
  } else if (finding === 'refused') {
    server.health = 'down';
  } else {
    server.failures += 1;
    if (finding === 'closing' || server.failures >= FAILURES_MAX) server.health = 'unready';
  }
}

function ask(url: URL): Promise<Finding> {
  return new Promise((resolve) => {
    let isTooLate = false;
    const request = get(url, { agent: false }, (answer) => {
      answer.resume();
      if (answer.statusCode === 200) resolve('good');
      else resolve(answer.statusCode === 503 ? 'closing' : 'bad');
    });
    const timer = setTimeout(() => {
      isTooLate = true;
      request.destroy();
    }, CHECK_TIMEOUT_MS);
    request.on('error', () => resolve(isTooLate ? 'bad' : 'refused'));
    request.on('close', () => clearTimeout(timer));
  });
}
