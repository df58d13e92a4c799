// The front door: one address for many servers. A gateway runs as a process of its own, asks a
// policy where each request goes, and is told when servers come and go. It sets the forwarding
// header fields itself and believes none from clients; it repeats a request only when no byte of
// it had reached a server.

export interface Upstream {
  readonly name: string;
  /** http://host:port */
  readonly url: string;
}

export interface GatewayOptions {
  /** A name in the registry of policies. */
  readonly policy: string;
  readonly seed: string;
  readonly upstreams: readonly Upstream[];
  /** 0 takes a free one. */
  readonly port: number;
  /** Where the access log goes, JSON lines; absent: nowhere. */
  readonly accessLogFile?: string;
  /** How long a server may take to answer, in milliseconds. */
  readonly answerTimeoutMs: number;
}

export interface RunningGateway extends AsyncDisposable {
  readonly url: string;
  readonly pid: number;
  /** Replaces the set of servers; resolves when the gateway routes by it. */
  route(upstreams: readonly Upstream[]): Promise<void>;
}

export interface Gateway {
  /** One sentence: what it is. */
  readonly says: string;
  start(options: GatewayOptions): Promise<RunningGateway>;
}
