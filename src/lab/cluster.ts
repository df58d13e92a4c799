// The stage of a run: servers that are real processes, the gateway in front of them, and the links
// between, through which faults reach.
//
//   users -> gateway -> link -> server -> link -> session store
//                                  \-----------> accounts
//   users with files -> link -> server
//
// A restarted server is a new incarnation on a new port; its link keeps the old one. The gateway is
// told when servers come and go in good order, as an orchestrator would do it; that a server was
// killed it must find out by itself.

import { join } from 'node:path';
import type { LinkPort, PairPort, ServerPort, StagePort } from '../faults/fault.ts';
import type { RunningGateway } from '../gateways/gateway.ts';
import * as gateways from '../gateways/index.ts';
import { ClusterServer, type Door } from './cluster-server.ts';
import { recordGateway } from './gateway-audit.ts';
import { lockSessions } from './postgres-lock.ts';
import { openSupervisor, type Supervisor } from './supervisor.ts';
import type { Visitor } from './warm-up.ts';

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
  /** Told of a server that died without being told to. */
  readonly onDeath?: (server: string) => void;
  /** Once it is aborted no server is started any more. */
  readonly signal?: AbortSignal | undefined;
  /** For access.ndjson and servers.log. */
  readonly folder: string;
}

export interface Doors {
  readonly gatewayUrl: string;
  /** A server past the gateway. */
  server(index: number): Door;
}

export class Cluster implements StagePort, Doors, AsyncDisposable {
  readonly #options: ClusterOptions;
  readonly #supervisor: Supervisor;
  readonly #servers: ClusterServer[] = [];
  #made = 0;
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

  get seed(): string {
    return this.#options.seed;
  }

  server(index: number): Door {
    const nobody = { name: `s${index + 1}`, url: undefined, transferUrl: undefined };
    return this.#servers[index] ?? nobody;
  }

  async addServer(): Promise<ServerPort> {
    const server = this.#make();
    await server.start();
    return server;
  }

  /** Tells the gateway first, then stops the server, for good. */
  async removeServer(server: ClusterServer): Promise<void> {
    await server.stop();
    this.#servers.splice(this.#servers.indexOf(server), 1);
    await server[Symbol.asyncDispose]();
  }

  storeLink(server: ServerPort): LinkPort | undefined {
    return this.#servers.find((each) => each === server)?.toStore;
  }

  gatewayLink(server: ServerPort): LinkPort {
    const link = this.#servers.find((each) => each === server)?.fromGateway;
    if (link === undefined) throw new Error(`${server.name} has not been started yet`);
    return link;
  }

  transferLink(server: ServerPort): LinkPort | undefined {
    return this.#servers.find((each) => each === server)?.toTransfer;
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
    this.#made += 1;
    const name = `s${this.#made}`;
    const route = (includes: (server: ClusterServer) => boolean) => this.route(includes);
    const server = new ClusterServer(name, route, this.#supervisor, this.#options);
    this.#servers.push(server);
    return server;
  }

  #upstreams(includes: (server: ClusterServer) => boolean = () => true) {
    return this.#servers
      .filter((server) => server.isUp && includes(server))
      .map(({ name, fromGateway }) => ({ name, url: `http://127.0.0.1:${fromGateway?.port}` }));
  }
}
