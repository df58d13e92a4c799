// The master of a Redis, as sentinels name it. Of those that answer, the one with the newest
// configuration is believed, and the server itself must say that it is the master (Redis
// documentation, "Guidelines for Redis clients with support for Redis Sentinel"). A master that
// was replaced need not know it, and cuts nobody off then; so they are asked on, once a second,
// and a connection ends when they name another server, or when none of them has answered for five
// seconds: it may be cut off together with its master.

import { setTimeout as delay } from 'node:timers/promises';
import { ageMsOf, justNow } from '../core/moment.ts';
import type { Endpoint, RedisAddress } from '../core/redis-address.ts';
import { askOnce, type Client, type Extra, meet, NoMaster } from './redis-client.ts';

const askEveryMs = 1_000;
const silenceMsMax = 5_000;

/** A connection to the master, which fails when that is no longer known to be the master. */
export async function connectToMaster(
  address: RedisAddress,
  timeoutMs: number,
  extra?: Extra,
): Promise<Client> {
  const isMaster = async (client: Client) => {
    await client.ping();
    if ((await client.role())?.role !== 'master') throw new NoMaster();
  };
  const endpoint = await masterNamed(address, timeoutMs);
  const { client } = await meet(address, endpoint, timeoutMs, isMaster, extra);
  void endWhenReplaced(client, endpoint, () => masterNamed(address, timeoutMs));
  return client;
}

async function endWhenReplaced(client: Client, own: Endpoint, ask: () => Promise<Endpoint>) {
  let asOf = justNow();
  for (;;) {
    await delay(askEveryMs, undefined, { ref: false });
    const asked = justNow();
    const master = await ask().catch(() => undefined);
    if (!client.isOpen) return;
    if (master?.host === own.host && master.port === own.port) asOf = asked;
    else if (master !== undefined || ageMsOf(asOf) > silenceMsMax) break;
  }
  client.emit('error', new NoMaster());
}

/** What the sentinel with the newest configuration says, of those that answer in time. */
async function masterNamed(address: RedisAddress, timeoutMs: number): Promise<Endpoint> {
  const asked = address.endpoints.map((sentinel) => askSentinel(address, sentinel, timeoutMs));
  let newest = await Promise.any(asked);
  for (const answer of await Promise.allSettled(asked)) {
    if (answer.status === 'fulfilled' && answer.value.epoch > newest.epoch) newest = answer.value;
  }
  return newest.endpoint;
}

/** Sentinels have no databases, and their users are not those of the master. */
function askSentinel(address: RedisAddress, sentinel: Endpoint, timeoutMs: number) {
  const own = { ...address, user: undefined, password: undefined, database: 0 };
  return askOnce(own, sentinel, timeoutMs, async (to) => {
    const where = ['SENTINEL', 'GET-MASTER-ADDR-BY-NAME', address.master];
    const [host, port] = (await to.sendCommand<string[] | null>(where)) ?? [];
    if (host === undefined) throw new NoMaster();
    const known = ['SENTINEL', 'MASTER', address.master];
    const state = await to.sendCommand<Record<string, string>>(known);
    return { endpoint: { host, port: Number(port) }, epoch: Number(state['config-epoch']) };
  });
}
