// How one connection to a Redis server is made, in bounded time, and what its refusals mean. The
// library's own clients for sentinels and clusters are not used: they repeat a write whose
// connection broke (so that it may count twice), and wait for a new master without a limit. The
// guidelines for clients of Sentinel and the cluster specification are short enough to follow here.

import { readFileSync } from 'node:fs';
import { ClientOfflineError, ErrorReply, RedisClient } from '@redis/client';
import { afterTime } from './outage.ts';
import type { Endpoint, RedisAddress } from './redis-address.ts';
import { scripts } from './redis-scripts.ts';

/** Whether the client tells of keys that Redis says have changed. */
interface Extra {
  readonly emitInvalidate?: true;
}

/** Made once: `createClient` makes its class anew, for 20 ms, when other options came between. */
const newClient = RedisClient.factory({ scripts });

function clientFor(
  address: RedisAddress,
  { host, port }: Endpoint,
  timeoutMs: number,
  extra: Extra,
) {
  const { user, password, database, tls, caFile } = address;
  return newClient({
    ...extra,
    database,
    ...(user !== undefined && { username: user }),
    ...(password !== undefined && { password }),
    disableOfflineQueue: true,
    disableClientInfo: true,
    maintNotifications: 'disabled',
    commandOptions: { timeout: 0 },
    socket: {
      ...{ host, port, reconnectStrategy: false as const },
      // Half of the budget for TCP, so that the handshake has time within the whole.
      connectTimeout: timeoutMs / 2,
      ...(tls && { tls: true as const, ...(caFile && { ca: readFileSync(caFile) }) }),
    },
  });
}

export type Client = ReturnType<typeof clientFor>;

/** Connects and asks a first question; rejects within the time unless it is answered. */
async function meet<T>(
  address: RedisAddress,
  endpoint: Endpoint,
  timeoutMs: number,
  ask: (client: Client) => Promise<T>,
  extra: Extra = {},
): Promise<{ client: Client; answer: T }> {
  const client = clientFor(address, endpoint, timeoutMs, extra);
  client.on('error', () => undefined);
  using _ = afterTime(timeoutMs, () => client.destroy());
  try {
    await client.connect();
    if (!client.isReady) throw new ClientOfflineError();
    return { client, answer: await ask(client) };
  } catch (failure) {
    client.destroy();
    throw failure;
  }
}

/** A server that is loading its data lets clients in, and refuses a PING. */
export async function connectTo(
  address: RedisAddress,
  endpoint: Endpoint,
  timeoutMs: number,
  extra?: Extra,
): Promise<Client> {
  return (await meet(address, endpoint, timeoutMs, (client) => client.ping(), extra)).client;
}

/** One question on a connection of its own. */
export async function askOnce<T>(
  address: RedisAddress,
  endpoint: Endpoint,
  timeoutMs: number,
  ask: (client: Client) => Promise<T>,
): Promise<T> {
  const { client, answer } = await meet(address, endpoint, timeoutMs, ask);
  client.destroy();
  return answer;
}

/**
 * A connection to the master that any sentinel leads to; one that says it is no master is not
 * believed (Redis documentation, "Guidelines for Redis clients with support for Redis Sentinel").
 */
export async function connectToMaster(
  address: RedisAddress,
  timeoutMs: number,
  extra?: Extra,
): Promise<Client> {
  const isMaster = async (client: Client) => {
    await client.ping();
    if ((await client.role())?.role !== 'master') throw new NoMaster();
  };
  const attempts = address.endpoints.map(async (sentinel) => {
    const endpoint = await masterAt(address, sentinel, timeoutMs);
    return (await meet(address, endpoint, timeoutMs, isMaster, extra)).client;
  });
  const first = await Promise.any(attempts);
  for (const attempt of attempts) {
    attempt.then(
      (client) => client !== first && client.destroy(),
      () => undefined,
    );
  }
  return first;
}

/** Sentinels have no databases, and their users are not those of the master. */
async function masterAt(address: RedisAddress, sentinel: Endpoint, timeoutMs: number) {
  const asked = { ...address, user: undefined, password: undefined, database: 0 };
  const command = ['SENTINEL', 'GET-MASTER-ADDR-BY-NAME', address.master];
  const reply = await askOnce(asked, sentinel, timeoutMs, (to) =>
    to.sendCommand<string[] | null>(command),
  );
  if (reply?.[0] === undefined) throw new NoMaster();
  return { host: reply[0], port: Number(reply[1]) };
}

class NoMaster extends Error {}

/** The code with which an error reply begins (RESP specification, simple errors). */
export function codeOf(reply: ErrorReply): string {
  return reply.message.split(' ', 1)[0] ?? '';
}

/**
 * The codes with which a sound command is refused because of the state of the server, or of its
 * users and their rights. Any other refusal is a mistake in what we sent.
 */
const outages = new Set(
  [
    'LOADING READONLY CLUSTERDOWN MASTERDOWN NOREPLICAS OOM TRYAGAIN BUSY MISCONF MOVED ASK',
    'NOAUTH WRONGPASS NOPERM',
  ].flatMap((line) => line.split(' ')),
);

export function isOutage(reply: ErrorReply): boolean {
  return outages.has(codeOf(reply));
}

/** Why a server cannot be used, for whoever has to mend it. */
export function reasonOf(failure: unknown): string {
  const cause = failure instanceof AggregateError ? failure.errors[0] : failure;
  if (cause instanceof NoMaster) return 'the sentinels know no master of that name, or it is none';
  if (cause instanceof ErrorReply) return `it refuses with ${codeOf(cause)}`;
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
  if (code !== '' && code !== 'ECONNRESET') return code;
  return 'it does not answer as Redis does; perhaps only one side speaks TLS (rediss://)';
}
