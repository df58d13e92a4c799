// P16: a store outage makes nobody anonymous and nobody accepted. While the session store is out of
// reach a server may still serve what it knows, or refuse fast (503); it may not hang, take a live
// session for nobody, or accept an ended one unchecked. A self-contained credential is nowhere
// checked, outage or not, so its acceptance after a logout is left to revocation.

import type { FaultEvent, RunHeader } from '../core/history.ts';
import type { Witness } from '../core/verdict.ts';
import type { Checker, Checking, Observation } from './checker.ts';
import { Distribution } from './engine/distribution.ts';
import { ruling } from './engine/ruling.ts';
import { count, faultLine, line, span } from './engine/wording.ts';

/** An answer that takes longer than this is a hang, whatever it says in the end. */
const hangMs = 1_500;

interface Outage {
  readonly begin: FaultEvent;
  endsAt: number;
}

type Manner =
  | 'served'
  | 'refusedFast'
  | 'unreachable'
  | 'hung'
  | 'anonymous'
  | 'cleared'
  | 'unchecked';

const wrongs: Partial<Record<Manner, string>> = {
  hung: `no answer came within ${span(hangMs)}: an outage must be refused fast`,
  anonymous: 'a live session was taken for nobody because its store could not be asked',
  cleared: 'the cookie of a session that may live was taken from its client',
  unchecked: 'an ended session was accepted while its store could not be asked',
};

export const failsClosed: Checker = {
  property: 'fails-closed',
  chapter: 'docs/concepts/04-the-shared-store.md',
  start: (run) => new FailsClosed(run),
};

class FailsClosed implements Checking {
  readonly #run: RunHeader;
  readonly #outages: Outage[] = [];
  readonly #tally: Record<Manner, number> = {
    served: 0,
    refusedFast: 0,
    unreachable: 0,
    hung: 0,
    anonymous: 0,
    cleared: 0,
    unchecked: 0,
  };
  readonly #answers = new Distribution();
  #refusedBare = 0;
  #witness: Witness | null = null;

  constructor(run: RunHeader) {
    this.#run = run;
  }

  fault(event: FaultEvent): void {
    if (!isOutage(event)) return;
    if (event.phase === 'begin') {
      this.#outages.push({ begin: event, endsAt: Number.POSITIVE_INFINITY });
      return;
    }
    const open = this.#outages.findLast(
      ({ begin, endsAt }) =>
        endsAt === Number.POSITIVE_INFINITY &&
        begin.kind === event.kind &&
        begin.target === event.target,
    );
    if (open !== undefined) open.endsAt = event.at;
  }

  observe(observation: Observation): void {
    const { invocation, completion } = observation;
    if (invocation.cred === null || this.#outages.length === 0) return;
    const { tInv } = invocation;
    const outage = this.#outages.findLast(({ begin, endsAt }) => begin.at <= tInv && tInv < endsAt);
    if (outage === undefined) return;
    const manner = this.#manner(observation);
    this.#tally[manner] += 1;
    this.#answers.add(completion.tEnd - tInv);
    if (completion.status === 503 && completion.retryAfter !== true) this.#refusedBare += 1;
    const because = wrongs[manner];
    if (because === undefined) return;
    const { login, end } = observation.session ?? {};
    const cause = manner === 'unchecked' ? end : manner === 'anonymous' ? login : undefined;
    const events = [...(cause ? [line(cause)] : []), faultLine(outage.begin), line(observation)];
    this.#witness ??= { events, because };
  }

  #manner({ invocation, completion, standing, deadBy, tookFor }: Observation): Manner {
    const { status, tEnd } = completion;
    if (tookFor === 'nobody' && standing === 'live') return 'anonymous';
    if (completion.cleared && standing !== 'dead') return 'cleared';
    if (tookFor === 'somebody' && standing === 'dead') {
      const checked = !this.#run.selfContained || invocation.f === 'refresh' || deadBy !== 'end';
      if (checked) return 'unchecked';
    }
    // A server that says that it does not know whether it was done has answered.
    const isSilent = status === 504 && completion.reason !== 'store-outcome-unknown';
    if (tEnd - invocation.tInv > hangMs || isSilent) return 'hung';
    if (completion.t === 'ok') return 'served';
    return status === null ? 'unreachable' : 'refusedFast';
  }

  verdict() {
    const { served, refusedFast, hung, anonymous, cleared, unchecked } = this.#tally;
    const broken = hung + anonymous + cleared + unchecked;
    const decisive = Object.values(this.#tally).reduce((sum, n) => sum + n, 0);
    const measures = {
      ...this.#tally,
      /** 503 without Retry-After. */
      refusedBare: this.#refusedBare,
      p99AnswerMs: this.#answers.percentile(0.99),
      slowestMs: this.#answers.most,
    };
    const lacks = 'no credential was presented during a store outage';
    return ruling(
      'fails-closed',
      { broken, decisive, witness: this.#witness, lacks },
      measures,
      () => {
        const slowest = `p99 ${span(measures.p99AnswerMs)}, slowest ${span(measures.slowestMs)}`;
        if (broken > 0) {
          const wrong = [
            `${count(anonymous)} taken for nobody`,
            `${count(cleared)} cookies taken away`,
            `${count(unchecked)} accepted unchecked`,
            `${count(hung)} hung`,
          ];
          return `${wrong.join(', ')} of ${count(decisive)}; ${slowest}`;
        }
        const fast = `${count(refusedFast)} of ${count(decisive)} refused fast`;
        const kept = 'none taken for nobody, no cookie taken away';
        return `${fast}, ${count(served)} served; ${slowest}; ${kept}`;
      },
    );
  }
}

/** Whatever is done to the store, or to the way there. */
function isOutage({ target }: FaultEvent): boolean {
  return /\bstore\b/.test(target);
}
