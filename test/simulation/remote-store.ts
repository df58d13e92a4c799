// A session store, or a log of endings, at the far end of a wire, step by step: a verb is sent,
// arrives and is carried out at once (which is what every store of ours promises of a verb), and
// its answer comes back. Sending and answering take a turn of the scheduler each; the wire may lose
// the question or the answer, and the server is told so as the stores tell it.

import { OperatingError } from '../../src/core/errors.ts';
import type { Random } from '../../src/core/random.ts';
import type { RevocationLog } from '../../src/revocations/revocation-log.ts';
import type { SessionStore } from '../../src/stores/store.ts';
import type { Scheduler } from './scheduler.ts';

/** Of a hundred questions and a hundred answers. */
const lostOf100 = 3;

const reads = new Set<string | symbol>(['read', 'list', 'ping', 'ask', 'epochOf']);
/** What a server answers from its own memory. */
const local = new Set<string | symbol>(['standing', 'ageMs', 'follow']);

export function remote<Part extends SessionStore | RevocationLog>(
  part: Part,
  scheduler: Scheduler,
  random: Random,
): Part {
  const isLost = () => random.below(100) < lostOf100;
  return new Proxy(part, {
    get(target, name) {
      const verb: unknown = Reflect.get(target, name);
      if (typeof verb !== 'function') return verb;
      if (local.has(name)) return verb.bind(target);
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
