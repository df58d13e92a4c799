// Where Redis is, as one URL says it: redis:// (one server), redis+sentinel:// (whichever server
// the sentinels call the master), redis+cluster:// (many masters, by slot), each also as rediss
// for TLS; and what a client of ours is made with, wherever it connects to. The URL is read here
// and not by the library because that knows no list of hosts and no file of authorities. Nothing
// is opened, and no part of a URL that may hold a password enters a message.

import { readFileSync } from 'node:fs';
import { OperatingError } from './errors.ts';

export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

export interface RedisAddress {
  readonly topology: 'standalone' | 'sentinel' | 'cluster';
  /** The server; or sentinels, or some members of the cluster, of which one must answer. */
  readonly endpoints: readonly [Endpoint, ...Endpoint[]];
  /** The name under which sentinels know the master. */
  readonly master: string;
  readonly database: number;
  readonly user: string | undefined;
  readonly password: string | undefined;
  readonly tls: boolean;
  /** A file with the certificates of the authorities to trust; default: those of the system. */
  readonly caFile: string | undefined;
}

const form = new RegExp(
  [
    /^redis(?<tls>s)?(?:\+(?<kind>sentinel|cluster))?:\/\//,
    /(?:(?<user>[^:@/]*)(?::(?<password>[^@/]*))?@)?(?<hosts>[^@/?#]+)/,
    /(?<path>\/[^?#]*)?(?:\?(?<query>[^#]*))?$/,
  ]
    .map(({ source }) => source)
    .join(''),
);

/**
 * `redis[s]://[user:password@]host[:port][/database][?ca=FILE]`,
 * `redis[s]+sentinel://[user:password@]host[:port],.../master[/database]`,
 * `redis[s]+cluster://[user:password@]host[:port],...`; user and password percent-encoded.
 * @throws OperatingError `store-unavailable`, saying what is wrong without repeating it.
 */
export function redisAddress(url: string): RedisAddress {
  if (url === '') throw unusable('there is none');
  const parts = form.exec(url)?.groups;
  if (parts === undefined) throw unusable('it must begin with redis://, rediss:// or a relative');
  const topology =
    parts.kind === 'sentinel' || parts.kind === 'cluster' ? parts.kind : 'standalone';
  const tls = parts.tls !== undefined;
  const port = topology === 'sentinel' ? 26_379 : 6_379;
  const path = (parts.path ?? '').split('/').slice(1).map(decoded);
  const master = topology === 'sentinel' ? (path.shift() ?? '') : '';
  if (topology === 'sentinel' && master === '') throw unusable('the name of the master is missing');
  const database = path[0] === undefined || path[0] === '' ? 0 : Number(path[0]);
  if (path.length > 1 || !Number.isInteger(database) || database < 0) {
    throw unusable('the database must be a number');
  }
  if (topology === 'cluster' && database > 0) throw unusable('a cluster has only database 0');
  const query = new URLSearchParams(parts.query);
  const caFile = query.get('ca') ?? undefined;
  if ([...query.keys()].some((name) => name !== 'ca')) throw unusable('only ?ca=FILE is known');
  if (caFile !== undefined && !tls) throw unusable('?ca=FILE needs rediss');
  const [first = '', ...others] = (parts.hosts ?? '').split(',');
  const more = others.map((host) => endpointOf(host, port));
  const endpoints = [endpointOf(first, port), ...more] as const;
  if (topology === 'standalone' && more.length > 0) {
    throw unusable('several hosts need redis+sentinel:// or redis+cluster://');
  }
  const [user, password] = [parts.user, parts.password].map((text) => text && decoded(text));
  return {
    ...{ topology, endpoints, master, database, tls, caFile },
    user: user || undefined,
    password: password || undefined,
  };
}

/**
 * For a client that queues nothing, repeats nothing and tells nothing of us. The command budget is
 * for its user to keep.
 * @throws the file system's error when the file of the authorities cannot be read
 */
export function clientOptions(
  { user, password, database, tls, caFile }: RedisAddress,
  { host, port }: Endpoint,
  connectTimeout: number,
) {
  return {
    database,
    ...(user !== undefined && { username: user }),
    ...(password !== undefined && { password }),
    disableOfflineQueue: true,
    disableClientInfo: true,
    maintNotifications: 'disabled' as const,
    commandOptions: { timeout: 0 },
    socket: {
      ...{ host, port, connectTimeout, reconnectStrategy: false as const },
      ...(tls && { tls: true as const, ...(caFile && { ca: readFileSync(caFile) }) }),
    },
  };
}

function endpointOf(text: string, portAbsent: number): Endpoint {
  const at = URL.parse(`redis://${text}`);
  const host = at?.hostname.replace(/^\[(.*)\]$/, '$1');
  if (!at || !host || at.port === '0') throw unusable('a host or port is not one');
  return { host, port: at.port === '' ? portAbsent : Number(at.port) };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw unusable('a % must be followed by two hexadecimal digits');
  }
}

function unusable(why: string): OperatingError {
  return new OperatingError('store-unavailable', { detail: `the URL of Redis is wrong: ${why}` });
}
