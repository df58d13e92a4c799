// What would make a Redis forget sessions or endings, asked once at the start: eviction, and
// nothing on disk. Whether that stops the start is for HAZARDS to say. Where the user may not ask,
// the answer is that it is unknown.

import { ErrorReply } from '@redis/client';
import { OperatingError } from '../core/errors.ts';
import { redisAddress } from '../core/redis-address.ts';
import { RedisConnection } from './redis-connection.ts';

const timeoutMs = 1_000;

/** Not a hazard that is known: a user with few rights is as it should be. */
export const unseen = 'Redis does not let this user see whether it evicts or persists: unknown';

/**
 * Sentences for the log, none of which names a password; empty when nothing is known against it.
 * In a cluster one of the masters speaks for all.
 * @throws OperatingError `store-unavailable` as opening the store does.
 */
export async function redisHazards(url: string): Promise<string[]> {
  using redis = await RedisConnection.open(url, timeoutMs);
  const settings = await redis
    .ask('read', '', async (to) => {
      const [policy, save, appendOnly] = await Promise.all([
        to.configGet('maxmemory-policy'),
        to.configGet('save'),
        to.configGet('appendonly'),
      ]);
      return { ...policy, ...save, ...appendOnly };
    })
    .catch(notAllowed);
  const cluster = await redis.ask('read', '', (to) => to.info('cluster')).catch(notAllowed);
  const hazards: string[] = [];
  if (redisAddress(url).topology !== 'cluster' && cluster?.includes('cluster_enabled:1')) {
    hazards.push('Redis is a member of a cluster: write its URL as redis+cluster://');
  }
  if (settings === undefined) {
    hazards.push(unseen);
    return hazards;
  }
  const policy = settings['maxmemory-policy'] ?? 'unknown';
  if (policy !== 'noeviction') {
    hazards.push(
      `Redis may evict sessions and endings when memory is short (maxmemory-policy ${policy}): ` +
        'set maxmemory-policy to noeviction',
    );
  }
  if (settings.save === '' && settings.appendonly !== 'yes') {
    hazards.push('Redis keeps nothing on disk: a restart ends every session and forgets endings');
  }
  return hazards;
}

/** A refusal that is about the right to ask is an answer. */
function notAllowed(cause: unknown): undefined {
  if (cause instanceof OperatingError && cause.cause instanceof ErrorReply) return undefined;
  throw cause;
}
