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
  /** Resets open connections and refuses new ones: what a stopped process does. */
  refuse(): void;
  heal(): void;
}

export interface StagePort {
  servers(): readonly ServerPort[];
  /** Adds a server, tells the gateway, and resolves when it serves. */
  addServer(): Promise<ServerPort>;
  /** From this server to the shared session store. Undefined where it has none. */
  storeLink(server: ServerPort): LinkPort | undefined;
  /** From the gateway to this server. */
  gatewayLink(server: ServerPort): LinkPort;
}

export interface FaultOptions {
  /** Which server, by position (0 is the first). Default 0. */
  readonly server?: number;
  /** For slow-link and cut-link: the server's link from the gateway (default), or to the store. */
  readonly link?: 'gateway' | 'store';
  /** For slow-link: milliseconds each way. */
  readonly delayMs?: number;
  /** For scale: how many servers there are afterwards. */
  readonly servers?: number;
}

export interface Fault {
  /** One sentence: what happens. */
  readonly says: string;
  /** What will be touched, for the history: 's2', 's1 -> store'. */
  target(stage: StagePort, options: FaultOptions): string;
  /** Resolves when it has happened; the cure is absent when there is nothing to cure. */
  inject(stage: StagePort, options: FaultOptions): Promise<AsyncDisposable | undefined>;
}

export function serverAt(stage: StagePort, options: FaultOptions): ServerPort {
  const server = stage.servers()[options.server ?? 0];
  assert(server !== undefined, 'the fault names a server that the cluster has');
  return server;
}

/** Undefined when the server has no store to be linked with. */
export function linkAt(stage: StagePort, options: FaultOptions): LinkPort | undefined {
  const server = serverAt(stage, options);
  return options.link === 'store' ? stage.storeLink(server) : stage.gatewayLink(server);
}
