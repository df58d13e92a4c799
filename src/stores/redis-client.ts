// How one connection to a Redis server is made, in bounded time, and what its refusals mean. The
// library's own clients for sentinels and clusters are not used: they repeat a write whose
// connection broke (so that it may count twice), and wait for a new master without a limit. The
// guidelines for clients of Sentinel and the cluster specification are short enough to follow.

import { ClientOfflineError, ErrorReply, RedisClient } from '@redis/client';
import { clientOptions, type Endpoint, type RedisAddress } from '../core/redis-address.ts';
import { afterTime } from './outage.ts';
import { scripts } from './redis-scripts.ts';

/** Whether the client tells of keys that Redis says have changed. */
export interface Extra {
  readonly emitInvalidate?: true;
}

/** Made once: `createClient` makes its class anew, for 20 ms, when other options came between. */
const newClient = RedisClient.factory({ scripts });

/** Half of the budget for TCP, so that the handshake has time within the whole. */
function clientFor(address: RedisAddress, endpoint: Endpoint, timeoutMs: number, extra: Extra) {
  return newClient({ ...extra, ...clientOptions(address, endpoint, timeoutMs / 2) });
}

export type Client = ReturnType<typeof clientFor>;

/** Connects and asks a first question; rejects within the time unless it is answered. */
export async function meet<T>(
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

/** What was found is not the master, or nobody says who is. */
export class NoMaster extends Error {}

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
