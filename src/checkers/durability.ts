// P2: an acknowledged login is accepted until it ends. Every session that was asked for through the
// gateway, or to transfer a file, while it was certainly alive gets an outcome: STABLE, LOST (taken
// for nobody from some moment on) or FLAPPING (taken for nobody, then known again: the signature of
// memory without affinity). Servers that were asked directly are left to convergence: no affinity
// protects those.

import type { FaultEvent } from '../core/history.ts';
import type { Witness } from '../core/verdict.ts';
import type { Checker, Checking, Exchange, Observation } from './checker.ts';
import { ruling } from './engine/ruling.ts';
import { confidence, count, faultLine, line, percent, span } from './engine/wording.ts';

type Outcome = 'stable' | 'lost' | 'flapping';

interface Fate {
  outcome: Outcome;
  accepted: Exchange | undefined;
  refused: Exchange | undefined;
}

export const durability: Checker = {
  property: 'durability',
  chapter: 'docs/concepts/03-stateful-in-memory.md',
  start: () => new Durability(),
};

class Durability implements Checking {
  readonly #fates = new Map<string, Fate>();
  readonly #tally: Record<Outcome, number> = { stable: 0, lost: 0, flapping: 0 };
  readonly #witnesses: Partial<Record<Outcome, Witness>> = {};
  #logins = 0;
  #accepted = 0;
  #asked = 0;
  #lastFault: FaultEvent | undefined;

  fault(event: FaultEvent): void {
    if (event.phase === 'begin') this.#lastFault = event;
  }

  observe(observation: Observation): void {
    const { invocation, completion, session, standing, tookFor } = observation;
    if (invocation.f === 'login' && completion.t === 'ok' && completion.sess) this.#logins += 1;
    if (standing !== 'live' || tookFor === undefined || session === undefined) return;
    if (invocation.to !== 'gateway' && invocation.to !== 'transfer') return;
    this.#asked += 1;
    const fate = this.#fateOf(session.name);
    if (tookFor === 'nobody') this.#refuse(fate, observation);
    else this.#accept(fate, observation);
  }

  #fateOf(session: string): Fate {
    let fate = this.#fates.get(session);
    if (fate === undefined) {
      fate = { outcome: 'stable', accepted: undefined, refused: undefined };
      this.#fates.set(session, fate);
      this.#tally.stable += 1;
    }
    return fate;
  }

  #become(fate: Fate, outcome: Outcome, witness: () => Witness): void {
    this.#tally[fate.outcome] -= 1;
    this.#tally[outcome] += 1;
    fate.outcome = outcome;
    this.#witnesses[outcome] ??= witness();
  }

  #refuse(fate: Fate, observation: Observation): void {
    fate.refused ??= observation;
    if (fate.outcome !== 'stable') return;
    this.#become(fate, 'lost', () => this.#loss(fate, observation));
  }

  #accept(fate: Fate, observation: Observation): void {
    this.#accepted += 1;
    const { refused } = fate;
    if (fate.outcome === 'lost' && refused) {
      this.#become(fate, 'flapping', () => flapping(observation, refused));
    }
    fate.accepted = observation;
  }

  #loss({ accepted }: Fate, refused: Observation): Witness {
    const login = refused.session?.login;
    const since = (accepted ?? login)?.invocation.tInv ?? 0;
    const fault = this.#lastFault;
    const events = [
      ...(login ? [line(login)] : []),
      ...(accepted ? [line(accepted)] : []),
      ...(fault && fault.at >= since ? [faultLine(fault)] : []),
      line(refused),
    ];
    const after = span(refused.invocation.tInv - (login?.completion.tEnd ?? 0));
    return {
      events,
      because:
        `the login had been acknowledged ${after} before and nothing had ended it, ` +
        'yet the bearer was nobody',
    };
  }

  verdict() {
    const { stable, lost, flapping } = this.#tally;
    const decisive = this.#fates.size;
    const acceptance = this.#asked === 0 ? 0 : this.#accepted / this.#asked;
    const measures = {
      acceptance,
      sessions: decisive,
      stable,
      lost,
      flapping,
      neverRead: Math.max(0, this.#logins - decisive),
      observations: this.#asked,
    };
    const witness = this.#witnesses.flapping ?? this.#witnesses.lost ?? null;
    const lacks = 'no live session was asked for through the gateway';
    return ruling(
      'durability',
      { broken: lost + flapping, decisive, witness, lacks },
      measures,
      () => {
        const of = `of ${count(decisive)} logins`;
        if (lost + flapping === 0) {
          const asked = count(this.#asked);
          const refused = `0 of ${asked} requests refused${confidence(this.#asked)}`;
          return `${count(stable)} ${of} stable; ${refused}`;
        }
        const known = `${percent(acceptance)} of requests recognised`;
        if (flapping === 0) return `${count(lost)} ${of} lost; ${known}`;
        const gone = lost === 0 ? '' : `, ${count(lost)} lost`;
        return `${count(flapping)} ${of} flapping${gone}; ${known}`;
      },
    );
  }
}

function flapping(again: Observation, refused: Exchange): Witness {
  const login = again.session?.login;
  return {
    events: [...(login ? [line(login)] : []), line(refused), line(again)],
    because: 'one live credential was taken for nobody and then known again: who answers decides',
  };
}
