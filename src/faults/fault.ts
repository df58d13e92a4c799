// What goes wrong, or at least changes, in a cluster at work. A fault is injected through the port
// below, which the lab implements, and injecting it returns its cure: leaving the block heals, also
// when something throws. Faults whose effect is their own end (restart, scale) have an empty cure.

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
  /** For slow-link: milliseconds each way. */
  readonly delayMs?: number;
  /** For scale: how many servers there are afterwards. */
  readonly servers?: number;
}

export interface Injected extends AsyncDisposable {
  /** What was touched, for the history: 's2', 's1 -> store'. */
  readonly target: string;
}

export interface Fault {
  /** One sentence: what happens. */
  readonly says: string;
  inject(stage: StagePort, options: FaultOptions): Promise<Injected>;
}
