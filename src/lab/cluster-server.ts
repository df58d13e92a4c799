// One server of a cluster, through all its incarnations: the process, and the links before and
// behind it, which keep their ports when it is started again.

import { OperatingError } from '../core/errors.ts';
import type { ServerPort } from '../faults/fault.ts';
import type { ClusterOptions } from './cluster.ts';
import { type Link, openLink } from './link.ts';
import type { Remembering, Supervised, Supervisor } from './supervisor.ts';
import { warmUp } from './warm-up.ts';

/** One server alone writes to a vault; the others read it. */
const filesServer = 's1';

export interface Door {
  readonly name: string;
  /** Undefined while it is down. */
  readonly url: string | undefined;
  /** Through its link, also while it is down; undefined for a server that takes no files. */
  readonly transferUrl: string | undefined;
}

/** Makes the gateway route to these servers, all others left out. */
type Route = (includes: (server: ClusterServer) => boolean) => Promise<void>;

export class ClusterServer implements ServerPort, AsyncDisposable {
  readonly name: string;
  readonly #route: Route;
  readonly #supervisor: Supervisor;
  readonly #options: ClusterOptions;
  #incarnation = 0;
  #process: Supervised | undefined;
  #isPaused = false;
  fromGateway: Link | undefined;
  toStore: Link | undefined;
  toTransfer: Link | undefined;

  constructor(name: string, route: Route, supervisor: Supervisor, options: ClusterOptions) {
    this.name = name;
    this.#route = route;
    this.#supervisor = supervisor;
    this.#options = options;
  }

  get isUp(): boolean {
    return this.#process !== undefined;
  }

  get url(): string | undefined {
    return this.#process?.url;
  }

  get transferUrl(): string | undefined {
    return this.toTransfer && `tcp://127.0.0.1:${this.toTransfer.port}`;
  }

  get pid(): number | undefined {
    return this.#process?.pid;
  }

  get incarnation(): number {
    return this.#incarnation;
  }

  get state(): 'up' | 'paused' | 'down' {
    if (!this.isUp) return 'down';
    return this.#isPaused ? 'paused' : 'up';
  }

  /** What is in its own memory; undefined when it does not say. */
  async remembers(): Promise<Remembering | undefined> {
    return this.#isPaused ? undefined : this.#process?.remembers();
  }

  /** Starts the process and puts its link before it; the gateway is not told. */
  async launch(): Promise<void> {
    const { entry, env, sessionStoreUrl, signal, visitor } = this.#options;
    this.#incarnation += 1;
    if (sessionStoreUrl !== undefined && this.toStore === undefined) {
      const to = addressIn(sessionStoreUrl);
      this.toStore = await openLink({ name: `${this.name} -> store`, to });
    }
    const storeUrl = this.toStore && sessionStoreUrl && through(this.toStore, sessionStoreUrl);
    const started = await this.#supervisor.launch({
      name: `${this.name}#${this.#incarnation}`,
      entry,
      signal,
      env: {
        ...env,
        ...(env.VAULT_FOLDER && this.name === filesServer && { TRANSFER_PORT: '0' }),
        REPLICA: this.name,
        INCARNATION: String(this.#incarnation),
        SESSION_STORE_URL: storeUrl,
        // What ended is kept beside the sessions, where faults reach it, or in a place of its own.
        REVOCATIONS_URL: env.REVOCATIONS_URL ?? storeUrl,
      },
    });
    if (visitor) await warmUp(started.url, visitor);
    this.fromGateway = await leading(this.fromGateway, `gateway -> ${this.name}`, started.url);
    const { transferUrl } = started;
    if (transferUrl !== undefined) {
      this.toTransfer = await leading(this.toTransfer, `users -> ${this.name}`, transferUrl);
    }
    this.#process = started;
    void started.gone.then(() => this.#died(started));
  }

  async start(): Promise<void> {
    if (this.isUp) return;
    await this.launch();
    // Left out and taken in again, it is new to the gateway, which then trusts it at once.
    await this.#route((server) => server !== this);
    await this.#route(() => true);
  }

  async kill(): Promise<void> {
    const process = this.#process;
    this.#process = undefined;
    await process?.kill();
    await this.#hasGone();
  }

  async stop(): Promise<void> {
    const process = this.#process;
    await this.#route((server) => server !== this);
    this.#process = undefined;
    await process?.stop();
    await this.#hasGone();
  }

  pause(): void {
    this.#isPaused = true;
    this.#process?.pause();
  }

  resume(): void {
    this.#isPaused = false;
    this.#process?.resume();
  }

  /** By itself, unless it was told to: then it is nobody's process any more. */
  #died(process: Supervised): void {
    if (this.#process !== process) return;
    this.#process = undefined;
    void this.#hasGone();
    this.#options.onDeath?.(this.name);
  }

  async #hasGone(): Promise<void> {
    this.#isPaused = false;
    await this.fromGateway?.retarget(undefined);
    await this.toTransfer?.retarget(undefined);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.toTransfer?.[Symbol.asyncDispose]();
    await this.fromGateway?.[Symbol.asyncDispose]();
    await this.toStore?.[Symbol.asyncDispose]();
  }
}

/** A link to where the process listens now: the one that there is, or else a new one. */
async function leading(link: Link | undefined, name: string, url: string): Promise<Link> {
  const to = addressIn(url);
  if (link === undefined) return openLink({ name, to });
  await link.retarget(to.port);
  return link;
}

/** @throws OperatingError `backing-unavailable` for a store that no link can be put before. */
function addressIn(url: string): { host: string; port: number } {
  const { hostname, port, protocol, searchParams } = new URL(url);
  if (searchParams.has('host')) {
    const detail =
      'The store is reached by a Unix socket, where no fault can: set PGHOST=127.0.0.1';
    throw new OperatingError('backing-unavailable', { detail });
  }
  const usual = protocol.startsWith('redis') ? 6379 : 5432;
  return { host: hostname, port: Number(port || usual) };
}

function through(link: Link, url: string): string {
  const address = new URL(url);
  address.hostname = '127.0.0.1';
  address.port = String(link.port);
  return address.href;
}
