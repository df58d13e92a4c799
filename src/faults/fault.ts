// What goes wrong, or at least changes, in a cluster at work. A fault is injected through the port
// below, which the lab implements, and injecting it returns its cure: leaving the block heals, also
// when something throws. Faults whose effect is their own end (restart, scale) have no cure.

import assert from 'node:assert/strict';

/** One server process, as a fault may touch it. */
export interface ServerPort {
  readonly name: string;
  /** kill -9: no goodbye, no clean-up. */
  kill(): Promise<void>;
  /** Starts it again as a new incarnation; resolves when it is ready. */
  start(): Promise<void>;
  /** SIGTERM, and resolves when it is gone. */
  stop(): Promise<void>;
  /** SIGSTOP: alive, holding its connections, answering nothing. */
  pause(): void;
  resume(): void;
}

/** A TCP connection between two parts of the cluster that the lab put itself into. */
export interface LinkPort {
  readonly name: string;
  /** Delays every byte, in both directions, by this many milliseconds. */
  delay(ms: number): void;
  /** Drops every byte, and keeps connections open: what a cable that is cut does. */
  cut(): void;
  /**
   * Breaks each connection off, open or to come, when it has carried so many bytes more: who was to
   * get the next one sees a stream that ends, who sent it a reset.
   */
  truncate(bytes: () => number): void;
  /** Resets open connections and refuses new ones: what a stopped process does. */
  refuse(): void;
  heal(): void;
}

/**
 * The shared store as two servers, one that serves and one that follows it, where the lab runs
 * them for this run alone.
 */
export interface PairPort {
  /** Over which the second follows the first; cut, it does not learn what happens. */
  readonly replication: LinkPort;
  /** The second follows no longer: it keeps what a snapshot of this moment would hold. */
  detach(): Promise<void>;
  /** The second follows no longer, and forgets everything. */
  clear(): Promise<void>;
  /** kill -9 of the first. */
  kill(): Promise<void>;
  /** The second serves in the place of the first, and a new one follows it. */
  takeOver(): Promise<void>;
}

export interface StagePort {
  /** Decides what is left to chance. */
  readonly seed: string;
  servers(): readonly ServerPort[];
  /** Adds a server, tells the gateway, and resolves when it serves. */
  addServer(): Promise<ServerPort>;
  /** From this server to the shared session store. Undefined where it has none. */
  storeLink(server: ServerPort): LinkPort | undefined;
  /** From the gateway to this server. */
  gatewayLink(server: ServerPort): LinkPort;
  /** From those who transfer files to this server. Undefined where it takes none. */
  transferLink(server: ServerPort): LinkPort | undefined;
  /** Undefined where the shared store is no pair. */
  storePair(): PairPort | undefined;
  /** Makes questions to the shared store wait, until disposed of; undefined where it cannot. */
  lockStore(): Promise<AsyncDisposable | undefined>;
}

export interface FaultOptions {
  /** Which server, by position (0 is the first); 'all' for links alone. Default 0. */
  readonly server?: number | 'all';
  /**
   * For the faults of links: the server's from the gateway (default), from those who transfer
   * files, or to the store.
   */
  readonly link?: 'gateway' | 'transfer' | 'store';
  /** For slow-link: milliseconds each way. */
  readonly delayMs?: number;
  /** For truncate-link: the most that a connection carries. */
  readonly bytesMax?: number;
  /** For scale: how many servers there are afterwards. */
  readonly servers?: number;
  /** For failover: how long the replica has not been told of anything when the primary dies. */
  readonly lagMs?: number;
  /** For store-restart: what the store finds when it is back. */
  readonly finds?: 'nothing' | 'snapshot';
}

export interface Fault {
  /** One sentence: what happens. */
  readonly says: string;
  /** The store loses what it has acknowledged, which no claim of a member covers. */
  readonly forgets?: true;
  /** What will be touched, for the history: 's2', 's1 -> store'. */
  target(stage: StagePort, options: FaultOptions): string;
  /** Resolves when it has happened; the cure is absent when there is nothing to cure. */
  inject(stage: StagePort, options: FaultOptions): Promise<AsyncDisposable | undefined>;
}

export function serverAt(stage: StagePort, options: FaultOptions): ServerPort {
  const { server: at = 0 } = options;
  const server = at === 'all' ? undefined : stage.servers()[at];
  assert(server !== undefined, 'the fault names a server that the cluster has');
  return server;
}

/** None when a server has no such link. */
export function linksAt(stage: StagePort, options: FaultOptions): readonly LinkPort[] {
  const servers = options.server === 'all' ? stage.servers() : [serverAt(stage, options)];
  return servers
    .map((each) => stage[`${options.link ?? 'gateway'}Link`](each))
    .filter((link) => link !== undefined);
}

/** 's1 -> store, s2 -> store' */
export function namesOf(links: readonly LinkPort[]): string {
  return links.map(({ name }) => name).join(', ') || 'nothing';
}
