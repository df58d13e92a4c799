// P3r: a session that was refused after its end is never accepted again. What revives one is a
// write that was under way when the session ended, a store that was rolled back, or a server that
// was not told. A session whose memory was lost before its end is left to durability.

import type { Witness } from '../core/verdict.ts';
import type { Checker, Exchange, Observation } from './checker.ts';
import { ruling } from './engine/ruling.ts';
import { count, line, span } from './engine/wording.ts';

interface Grave {
  readonly refused: Exchange;
  revived: boolean;
}

const lacks = 'no ended session was tried again after it had been refused';

export const noResurrection: Checker = {
  property: 'no-resurrection',
  chapter: 'docs/concepts/04-the-shared-store.md',
  start() {
    const graves = new Map<string, Grave>();
    const asked = new Set<string>();
    const endedInFault = new Set<string>();
    let faultsOpen = 0;
    let resurrected = 0;
    let witness: Witness | null = null;

    return {
      fault({ phase }) {
        faultsOpen += phase === 'begin' ? 1 : -1;
      },
      observe(observation) {
        const { session, deadBy, tookFor, invocation, completion } = observation;
        const isLogout = invocation.f === 'logout' && completion.t === 'ok';
        if (isLogout && faultsOpen > 0 && session) endedInFault.add(session.name);
        if (session === undefined || deadBy !== 'end' || tookFor === undefined) return;
        const grave = graves.get(session.name);
        if (grave === undefined) {
          if (tookFor === 'nobody') {
            graves.set(session.name, { refused: observation, revived: false });
          }
          return;
        }
        if (invocation.tInv <= grave.refused.completion.tEnd) return;
        asked.add(session.name);
        if (tookFor === 'nobody' || grave.revived) return;
        grave.revived = true;
        resurrected += 1;
        witness ??= revival(observation, grave.refused);
      },
      verdict() {
        const counts = { broken: resurrected, decisive: asked.size, witness, lacks };
        const of = `${count(resurrected)} of ${count(asked.size)}`;
        const during = endedInFault.size;
        const ended = during === 0 ? '' : `; ${count(during)} logouts acknowledged during faults`;
        return ruling(
          'no-resurrection',
          counts,
          { resurrected, sessions: asked.size, endedInFault: during },
          () => `${of} sessions accepted again after they had been refused${ended}`,
        );
      },
    };
  },
};

function revival(observation: Observation, refused: Exchange): Witness {
  const end = observation.session?.end;
  const after = span(observation.invocation.tInv - refused.completion.tEnd);
  return {
    events: [...(end ? [line(end)] : []), line(refused), line(observation)],
    because: `the session had ended and been refused, and was accepted again ${after} later`,
  };
}
