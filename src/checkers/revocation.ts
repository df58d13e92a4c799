// P3: after an acknowledged logout no request is accepted, by whichever server. How long ended
// credentials went on being accepted is measured as a distribution. A credential accepted after it
// must have expired is broken as well; one refused then shows nothing, as nobody had ended it.

import type { Witness } from '../core/verdict.ts';
import type { Checker, Observation } from './checker.ts';
import { Distribution } from './engine/distribution.ts';
import { ruling } from './engine/ruling.ts';
import { count, line, span } from './engine/wording.ts';

export const revocation: Checker = {
  property: 'revocation',
  chapter: 'docs/concepts/02-stateless.md',
  start() {
    const lag = new Distribution();
    let probes = 0;
    let accepted = 0;
    let expiredAccepted = 0;
    let witness: Witness | null = null;

    return {
      observe(observation) {
        const { deadBy, deadSince, invocation, tookFor } = observation;
        if (tookFor === undefined || deadBy === undefined || deadBy === 'forgery') return;
        if (deadBy === 'end') probes += 1;
        if (tookFor === 'nobody') return;
        if (deadBy === 'end') accepted += 1;
        else expiredAccepted += 1;
        lag.add(invocation.tInv - (deadSince ?? invocation.tInv));
        witness ??= contradiction(observation);
      },
      verdict() {
        const broken = accepted + expiredAccepted;
        const measures = {
          accepted,
          probes,
          expiredAccepted,
          lagMedianMs: lag.percentile(0.5),
          lagMaxMs: lag.most,
        };
        const decisive = probes + expiredAccepted;
        const lacks = 'no ended credential was tried again';
        return ruling('revocation', { broken, decisive, witness, lacks }, measures, () => {
          const of = `${count(broken)} of ${count(decisive)}`;
          if (broken === 0) return `${of} ended credentials accepted`;
          const { lagMedianMs, lagMaxMs } = measures;
          return `${of} still accepted; lag median ${span(lagMedianMs)}, max ${span(lagMaxMs)}`;
        });
      },
    };
  },
};

function contradiction(observation: Observation): Witness {
  const { session, deadBy, deadSince, invocation } = observation;
  const cause = deadBy === 'end' ? session?.end : session?.login;
  const after = span(invocation.tInv - (deadSince ?? 0));
  return {
    events: [...(cause ? [line(cause)] : []), line(observation)],
    because:
      deadBy === 'end'
        ? `(2) began ${after} after (1) was acknowledged, and was served all the same`
        : `(2) began ${after} after what (1) issued must have expired, and was served all the same`,
  };
}
