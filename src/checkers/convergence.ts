// P17: after healing, every server gives the same answer. When all faults have ended and the last
// change is made, the lab asks each server directly with every credential: what they say must be
// alike, right or wrong. A change or a fault starts the comparison anew; credentials that may have
// ended or expired while they were being asked about show nothing.

import type { Checker, Checking, Exchange, Observation } from './checker.ts';
import { ruling } from './engine/ruling.ts';
import { count, line } from './engine/wording.ts';

interface Answers {
  readonly first: Observation;
  readonly servers: Set<string>;
  differing: Exchange | undefined;
}

const observing = new Set(['whoami', 'read', 'replay', 'forge']);

export const convergence: Checker = {
  property: 'convergence',
  chapter: 'docs/concepts/04-the-shared-store.md',
  start: () => new Convergence(),
};

class Convergence implements Checking {
  #answers = new Map<string, Answers>();
  #faultsOpen = 0;

  fault({ phase }: { phase: 'begin' | 'end' }): void {
    this.#faultsOpen += phase === 'begin' ? 1 : -1;
    this.#answers = new Map();
  }

  observe(observation: Observation): void {
    const { invocation, completion } = observation;
    if (!observing.has(invocation.f)) {
      this.#answers = new Map();
      return;
    }
    if (this.#faultsOpen > 0 || invocation.to === 'gateway' || invocation.cred === null) return;
    if (completion.t !== 'ok' || completion.seen === undefined || !steady(observation)) return;
    const answers = this.#answers.get(invocation.cred);
    if (answers === undefined) {
      const servers = new Set([invocation.to]);
      this.#answers.set(invocation.cred, { first: observation, servers, differing: undefined });
      return;
    }
    answers.servers.add(invocation.to);
    if (answers.first.completion.seen?.user !== completion.seen.user) {
      answers.differing ??= observation;
    }
  }

  verdict() {
    const asked = [...this.#answers.values()].filter(({ servers }) => servers.size > 1);
    const divergent = asked.filter(({ differing }) => differing !== undefined);
    const servers = new Set(asked.flatMap((answers) => [...answers.servers])).size;
    const counts = {
      broken: divergent.length,
      decisive: asked.length,
      witness: contradiction(divergent[0]),
      lacks: 'no credential was shown to two servers after the last change',
    };
    const measures = { credentials: asked.length, divergent: divergent.length, servers };
    return ruling('convergence', counts, measures, () => {
      const of = `${count(divergent.length)} of ${count(asked.length)} credentials`;
      return `${of} judged differently by ${count(servers)} servers`;
    });
  }
}

/** Nothing that is under way, and no clock, could change the answer between two servers. */
function steady({ standing, deadBy, mayHaveExpired }: Observation): boolean {
  if (standing === 'live' || deadBy === 'forgery' || deadBy === 'expiry') return true;
  return standing === 'dead' && !mayHaveExpired;
}

function contradiction(answers: Answers | undefined) {
  if (answers?.differing === undefined) return null;
  const { first, differing } = answers;
  const { login, end } = first.session ?? {};
  const causes = [login, end].filter((cause) => cause !== undefined);
  return {
    events: [...causes, first, differing].map(line),
    because:
      `${first.invocation.to} and ${differing.invocation.to} were shown the same credential ` +
      'after the last change, and answered differently',
  };
}
