// What operators are shown of sessions: counters and latencies, always, and spans where TRACES asks
// for them. Both are put around the parts when the server is put together, so that neither the
// strategies nor the stores know of it, and nothing is put around what answers from memory.

import { OperatingError } from '../core/errors.ts';
import type { SessionStore } from '../stores/store.ts';
import type { Recogniser } from '../strategies/strategy.ts';
import { around, type Method } from './around.ts';
import { Histogram } from './exposition.ts';
import type { Meter } from './meter.ts';
import type { Parts } from './parts.ts';

export const storeVerbs = [
  'create',
  'read',
  'update',
  'touch',
  'rotate',
  'revoke',
  'revokeAll',
  'list',
  'ping',
] as const satisfies readonly (keyof SessionStore)[];

/** The store, with how long each verb takes by its outcome, and the sessions it ends itself. */
export function measured(store: SessionStore, meter: Meter): SessionStore {
  const timed = around(store, storeVerbs, (verb, run) => {
    const tally = meter.verb(verb);
    const well = new Histogram();
    tally.set('ok', well);
    const failed = (cause: unknown, durationMs: number): never => {
      const outcome = cause instanceof OperatingError ? cause.code : 'internal';
      const histogram = tally.get(outcome) ?? new Histogram();
      tally.set(outcome, histogram);
      histogram.observe(durationMs);
      throw cause;
    };
    return (...args) => {
      const startedMs = performance.now();
      const result = run(...args);
      // A cache had it.
      if (!(result instanceof Promise)) return result;
      return result.then(
        (value) => {
          well.observe(performance.now() - startedMs);
          return value;
        },
        (cause: unknown) => failed(cause, performance.now() - startedMs),
      );
    };
  });
  return {
    ...timed,
    create: async (session, limit) => {
      const created = await timed.create(session, limit);
      const ended = created.outcome === 'ok' ? created.ended.length : 0;
      if (ended > 0) meter.ended('session-limit', ended);
      return created;
    },
  };
}

/** Lets the meter look at what the parts know of themselves. */
export function observe({ store, revocations, keys, audit }: Parts, meter: Meter): void {
  meter.gauges = {
    ...(store.breaker && { breaker: () => store.breaker?.() ?? 'closed' }),
    ...(revocations && { revocationAgeMs: () => revocations.ageMs() }),
    ...(keys && { keyGeneration: () => keys.generation }),
    ...(audit && { audit: () => audit }),
  };
}

/** The recogniser, with the sessions that it begins, renews and ends counted by reason. */
export function counted(recogniser: Recogniser, meter: Meter): Recogniser {
  return {
    ...around(recogniser, [], (_, run: Method) => run),
    recognise: (headers) => recogniser.recognise(headers),
    begin: async (user, headers) => {
      const issue = await recogniser.begin(user, headers);
      meter.issued += 1;
      return issue;
    },
    refresh: async (headers, refreshToken) => {
      const refreshed = await recogniser.refresh(headers, refreshToken);
      meter.refreshed(refreshed.outcome);
      if (refreshed.outcome === 'reuse') meter.ended('reuse');
      return refreshed;
    },
    leave: async (headers) => {
      const left = await recogniser.leave(headers);
      meter.ended('logout', left.ended.length);
      return left;
    },
    endAll: async (session) => {
      const issue = await recogniser.endAll(session);
      meter.ended('logout-everywhere');
      return issue;
    },
    endOthers: async (session, reason) => {
      const count = await recogniser.endOthers(session, reason);
      meter.ended(reason, count);
      return count;
    },
    endUser: async (userId, reason) => {
      const count = await recogniser.endUser(userId, reason);
      meter.ended(reason, count);
      return count;
    },
    endOne: async (owner, handle, reason = 'ended-by-user') => {
      const ended = await recogniser.endOne(owner, handle, reason);
      if (ended) meter.ended(reason);
      return ended;
    },
  };
}
