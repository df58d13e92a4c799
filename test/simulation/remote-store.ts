// A session store at the far end of a wire, step by step: a verb is sent, arrives and is carried
// out at once (which is what every store of ours promises of a verb), and its answer comes back.
// Each of the three takes a turn of the scheduler; the wire may lose the question or the answer,
// and the server is told so as the stores tell it.

import { OperatingError } from '../../src/core/errors.ts';
import type { Random } from '../../src/core/random.ts';
import type { SessionStore } from '../../src/stores/store.ts';
import type { Scheduler } from './scheduler.ts';

/** Of a hundred questions and a hundred answers. */
const lostOf100 = 3;

const reads = new Set<string | symbol>(['read', 'list', 'ping']);

export function remote(store: SessionStore, scheduler: Scheduler, random: Random): SessionStore {
  const isLost = () => random.below(100) < lostOf100;
  return new Proxy(store, {
    get(target, name) {
      const verb: unknown = Reflect.get(target, name);
      if (typeof verb !== 'function') return verb;
      return async (...args: unknown[]) => {
        await scheduler.turn();
        if (isLost()) throw new OperatingError('store-unavailable');
        const answer: unknown = await Reflect.apply(verb, target, args);
        await scheduler.turn();
        if (!isLost()) return answer;
        throw new OperatingError(reads.has(name) ? 'store-unavailable' : 'store-outcome-unknown');
      };
    },
  });
}
