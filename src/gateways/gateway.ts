// The front door: one address for many servers. A gateway runs as a process of its own. The site
// says which path leads to which group of servers, and the group's policy where each request goes;
// the gateway is told when servers come and go. It sets the forwarding header fields itself and
// believes none from clients; it repeats nothing that may have been carried out; and it writes one
// line of log for each request.

export interface Upstream {
  readonly name: string;
  /** http://host:port */
  readonly url: string;
}

/** Servers that can stand in for one another. */
export interface Group {
  /** Letters, digits and `-`: it is part of the name of the affinity cookie. */
  readonly name: string;
  /** A name in the registry of policies. */
  readonly policy: string;
  /**
   * The cookies that its servers are shown, by their names, because browsers send all of a host to
   * every path of it; of two with one name the first. Default: all but the gateway's own.
   */
  readonly cookies?: readonly string[];
  /** Its servers serve pages: their own content security policy is passed on. */
  readonly pages?: true;
  /** They are never asked whether they are ready, as what looks after servers of its own is not. */
  readonly unchecked?: true;
  readonly upstreams: readonly Upstream[];
}

export interface Route {
  /** With a slash at its end all that is below it, else itself. The longest that fits wins. */
  readonly path: string;
  /** The beginning of `path` that servers do not see: `/api/shared` makes `/health` of it. */
  readonly base?: string;
  /** The name of a group; absent: nobody is asked, and the answer is 404. */
  readonly group?: string;
}

export interface Listening {
  /** Default: 127.0.0.1. */
  readonly address?: string;
  /** For HTTP in the clear; 0 takes a free one. */
  readonly port: number;
  /** TLS 1.2 and 1.3 beside it. PEM files; the certificate with its chain. */
  readonly tls?: {
    readonly port: number;
    /** The port that clients know, where it is another. */
    readonly publicPort?: number;
    readonly certFile: string;
    readonly keyFile: string;
  };
  /**
   * What is answered in the clear when there is TLS. `health` answers `GET .../health` and sends all
   * else to TLS (308), if it came for a host that the certificate names, and else nowhere (421).
   * Default: everything.
   */
  readonly inTheClear?: 'everything' | 'health';
}

/** What one client address may do; absent: as much as it likes. */
export interface ClientLimits {
  readonly requestsPerSecond?: number;
  readonly connections?: number;
}

export interface GatewayOptions {
  readonly groups: readonly Group[];
  readonly routes: readonly Route[];
  readonly listen: Listening;
  readonly seed: string;
  readonly limits?: ClientLimits;
  /** Where the access log goes, one `AccessLine` of JSON each; absent: nowhere. */
  readonly accessLogFile?: string;
  /** How long a server may take to answer, in milliseconds. */
  readonly answerTimeoutMs: number;
}

export interface RunningGateway extends AsyncDisposable {
  /** In the clear. */
  readonly url: string;
  readonly tlsUrl?: string;
  readonly pid: number;
  /** Resolves when its process has ended, however that came. */
  readonly ended: Promise<void>;
  /** Replaces the servers of a group; resolves when the gateway routes by it. */
  route(group: string, upstreams: readonly Upstream[]): Promise<void>;
  /**
   * Reads the certificate and opens the access log anew, and loses no request over it.
   *
   * @throws OperatingError `gateway-unavailable` for one that cannot be used; the one before stays.
   */
  reload(): Promise<void>;
}

export interface Gateway {
  /** One sentence: what it is. */
  readonly says: string;
  /** What this one does not do, with the reason; the contract suite skips just that. */
  readonly lacks: Readonly<Partial<Record<GatewayFeature, string>>>;
  /** Why it cannot run here, and what to do; undefined when it can. */
  missing(): string | undefined;
  /** @throws OperatingError `gateway-unavailable` when it cannot start, as on a port in use. */
  start(options: GatewayOptions): Promise<RunningGateway>;
}

/** What a gateway may lack. */
export type GatewayFeature =
  /** Bounds on what one client address may do. */
  | 'client-limits'
  /** Passing on the content security policy of a server. */
  | 'pages'
  /** Groups that are not looked after. */
  | 'unchecked';
