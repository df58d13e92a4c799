// The stage of a run: servers that are real processes, the gateway in front of them, and the links
// between, through which faults reach.
//
//   users -> gateway -> link -> server -> link -> session store
//                                  \-----------> accounts
//
// A restarted server is a new incarnation on a new port; its link keeps the old one. The gateway is
// told when servers come and go in good order, as an orchestrator would do it; that a server was
// killed it must find out by itself.

import { join } from 'node:path';
import { OperatingError } from '../core/errors.ts';
import type { LinkPort, PairPort, ServerPort, StagePort } from '../faults/fault.ts';
import type { RunningGateway } from '../gateways/gateway.ts';
import * as gateways from '../gateways/index.ts';
import { recordGateway } from './gateway-audit.ts';
import { type Link, openLink } from './link.ts';
import { lockSessions } from './postgres-lock.ts';
import { openSupervisor, type Supervised, type Supervisor } from './supervisor.ts';
import { type Visitor, warmUp } from './warm-up.ts';

/** Less than a client waits, so that a silent server gets an answer from the gateway. */
const answerTimeoutMs = 4_000;
/** All servers of a run can stand in for one another. */
const group = 'servers';

export interface ClusterOptions {
  readonly servers: number;
  readonly policy: string;
  readonly seed: string;
  /** The program that is a server. */
  readonly entry: string;
  /** What every server is configured with. Where it names audit logs, the gateway has one, too. */
  readonly env: NodeJS.ProcessEnv;
  /** What all servers share; each reaches it through a link of its own. */
  readonly sessionStoreUrl: string | undefined;
  /** What that address leads to, where faults may exchange it. */
  readonly storePair?: PairPort | undefined;
  readonly gateway: keyof typeof gateways;
  /** Who warms a new server up before it gets users; absent: nobody does. */
  readonly visitor?: Visitor;
  /** Absent: a free one. */
  readonly gatewayPort?: number;
  /** Once it is aborted no server is started any more. */
  readonly signal?: AbortSignal | undefined;
  /** For access.ndjson and servers.log. */
  readonly folder: string;
}

export interface Doors {
  readonly gatewayUrl: string;
  /** A server past the gateway; url undefined while it is down. */
  server(index: number): { readonly name: string; readonly url: string | undefined };
}

export class Cluster implements StagePort, Doors, AsyncDisposable {
  readonly #options: ClusterOptions;
  readonly #supervisor: Supervisor;
  readonly #servers: ClusterServer[] = [];
  #gateway: RunningGateway | undefined;
  #record: AsyncDisposable | undefined;

  private constructor(options: ClusterOptions) {
    this.#options = options;
    this.#supervisor = openSupervisor(join(options.folder, 'servers.log'));
  }

  /** Resolves when everything serves; leaves nothing behind when something does not. */
  static async open(options: ClusterOptions): Promise<Cluster> {
    await using stack = new AsyncDisposableStack();
    const cluster = stack.use(new Cluster(options));
    const made = Array.from({ length: options.servers }, () => cluster.#make());
    const started = await Promise.allSettled(made.map((server) => server.launch()));
    for (const each of started) if (each.status === 'rejected') throw each.reason;
    const accessLogFile = join(options.folder, 'access.ndjson');
    const { AUDIT_FOLDER: auditFolder } = options.env;
    if (auditFolder) cluster.#record = await recordGateway(accessLogFile, auditFolder);
    cluster.#gateway = await gateways[options.gateway].start({
      groups: [{ name: group, policy: options.policy, upstreams: cluster.#upstreams() }],
      routes: [{ path: '/', group }],
      listen: { port: options.gatewayPort ?? 0 },
      seed: options.seed,
      accessLogFile,
      answerTimeoutMs,
    });
    stack.move();
    return cluster;
  }

  get gatewayUrl(): string {
    return this.#gateway?.url ?? '';
  }

  /** Servers that died without being told to. */
  get findings(): readonly string[] {
    return this.#supervisor.findings;
  }

  servers(): readonly ClusterServer[] {
    return this.#servers;
  }

  server(index: number): { readonly name: string; readonly url: string | undefined } {
    return this.#servers[index] ?? { name: `s${index + 1}`, url: undefined };
  }

  async addServer(): Promise<ServerPort> {
    const server = this.#make();
    await server.start();
    return server;
  }

  storeLink(server: ServerPort): LinkPort | undefined {
    return this.#servers.find((each) => each === server)?.toStore;
  }

  gatewayLink(server: ServerPort): LinkPort {
    const link = this.#servers.find((each) => each === server)?.fromGateway;
    if (link === undefined) throw new Error(`${server.name} has not been started yet`);
    return link;
  }

  storePair(): PairPort | undefined {
    return this.#options.storePair;
  }

  async lockStore(): Promise<AsyncDisposable | undefined> {
    const { sessionStoreUrl } = this.#options;
    if (!sessionStoreUrl?.startsWith('postgres')) return undefined;
    return lockSessions(sessionStoreUrl);
  }

  /** Makes the gateway route to these servers, all others left out. */
  async route(includes: (server: ClusterServer) => boolean): Promise<void> {
    await this.#gateway?.route(group, this.#upstreams(includes));
  }

  /** Makes the gateway forget what it holds against servers that have recovered. */
  async trustAll(): Promise<void> {
    await this.route(() => false);
    await this.route(() => true);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#gateway?.[Symbol.asyncDispose]();
    await this.#record?.[Symbol.asyncDispose]();
    await this.#supervisor[Symbol.asyncDispose]();
    await Promise.all(this.#servers.map((server) => server[Symbol.asyncDispose]()));
  }

  #make(): ClusterServer {
    const name = `s${this.#servers.length + 1}`;
    const server = new ClusterServer(name, this, this.#supervisor, this.#options);
    this.#servers.push(server);
    return server;
  }

  #upstreams(includes: (server: ClusterServer) => boolean = () => true) {
    return this.#servers
      .filter((server) => server.isUp && includes(server))
      .map(({ name, fromGateway }) => ({ name, url: `http://127.0.0.1:${fromGateway?.port}` }));
  }
}

class ClusterServer implements ServerPort, AsyncDisposable {
  readonly name: string;
  readonly #cluster: Cluster;
  readonly #supervisor: Supervisor;
  readonly #options: ClusterOptions;
  #incarnation = 0;
  #process: Supervised | undefined;
  fromGateway: Link | undefined;
  toStore: Link | undefined;

  constructor(name: string, cluster: Cluster, supervisor: Supervisor, options: ClusterOptions) {
    this.name = name;
    this.#cluster = cluster;
    this.#supervisor = supervisor;
    this.#options = options;
  }

  get isUp(): boolean {
    return this.#process !== undefined;
  }

  get url(): string | undefined {
    return this.#process?.url;
  }

  get pid(): number | undefined {
    return this.#process?.pid;
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
        REPLICA: this.name,
        INCARNATION: String(this.#incarnation),
        SESSION_STORE_URL: storeUrl,
        // What ended is kept beside the sessions, where faults reach it, or in a place of its own.
        REVOCATIONS_URL: env.REVOCATIONS_URL ?? storeUrl,
      },
    });
    if (visitor) await warmUp(started.url, visitor);
    const to = addressIn(started.url);
    if (this.fromGateway) await this.fromGateway.retarget(to.port);
    else this.fromGateway = await openLink({ name: `gateway -> ${this.name}`, to });
    this.#process = started;
  }

  async start(): Promise<void> {
    if (this.isUp) return;
    await this.launch();
    // Left out and taken in again, it is new to the gateway, which then trusts it at once.
    await this.#cluster.route((server) => server !== this);
    await this.#cluster.route(() => true);
  }

  async kill(): Promise<void> {
    const process = this.#process;
    this.#process = undefined;
    await process?.kill();
    await this.fromGateway?.retarget(undefined);
  }

  async stop(): Promise<void> {
    const process = this.#process;
    await this.#cluster.route((server) => server !== this);
    this.#process = undefined;
    await process?.stop();
    await this.fromGateway?.retarget(undefined);
  }

  pause(): void {
    this.#process?.pause();
  }

  resume(): void {
    this.#process?.resume();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.fromGateway?.[Symbol.asyncDispose]();
    await this.toStore?.[Symbol.asyncDispose]();
  }
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
