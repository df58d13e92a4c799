// P20, a diagnostic: a session stays on its server while that server lives. Compares the servers of
// consecutive answers that one client got through the gateway; a move away from a server that a
// fault had touched since the previous answer is excused. Also says how evenly the work was spread,
// and how many server processes answered: a restart that happened shows as one more.

import type { FaultEvent, RunHeader } from '../core/history.ts';
import type { Witness } from '../core/verdict.ts';
import type { Checker, Checking, Observation } from './checker.ts';
import { ruling } from './engine/ruling.ts';
import { count, line, percent } from './engine/wording.ts';

/** Faults on a server, as far as staying there would have been impossible. */
interface Trouble {
  open: number;
  lastEnd: number;
}

/** Probes have no cookie jar, so no gateway owes them affinity. */
const probes = new Set(['replay', 'forge']);

export const affinity: Checker = {
  property: 'affinity',
  chapter: 'docs/concepts/03-stateful-in-memory.md',
  start: (run) => new Affinity(run),
};

class Affinity implements Checking {
  readonly #last = new Map<string, Observation>();
  readonly #load = new Map<string, number>();
  readonly #troubles = new Map<string, Trouble>();
  readonly #incarnations = new Set<string>();
  readonly #serving = new Set<string>();
  #pairs = 0;
  #moved = 0;
  #excused = 0;
  #witness: Witness | null = null;

  constructor(run: RunHeader) {
    for (const server of run.servers) this.#load.set(server, 0);
  }

  fault(event: FaultEvent): void {
    for (const name of touched(event)) {
      const trouble = this.#troubles.get(name) ?? { open: 0, lastEnd: Number.NEGATIVE_INFINITY };
      trouble.open += event.phase === 'begin' ? 1 : -1;
      if (event.phase === 'end') trouble.lastEnd = event.at;
      this.#troubles.set(name, trouble);
    }
  }

  observe(observation: Observation): void {
    const { invocation, completion } = observation;
    if (completion.server !== null) this.#incarnations.add(completion.server);
    if (invocation.to !== 'gateway' || probes.has(invocation.f)) return;
    const server = replica(observation);
    if (server === undefined || completion.server === null) return;
    this.#serving.add(completion.server);
    this.#load.set(server, (this.#load.get(server) ?? 0) + 1);
    const before = this.#last.get(invocation.client);
    this.#last.set(invocation.client, observation);
    if (before === undefined) return;
    this.#pairs += 1;
    const home = replica(before);
    if (home === undefined || home === server) return;
    if (this.#wasInTrouble(home, before.completion.tEnd)) {
      this.#excused += 1;
      return;
    }
    this.#moved += 1;
    this.#witness ??= {
      events: [line(before), line(observation)],
      because: `${home} was up, and the next answer to ${invocation.client} came from ${server}`,
    };
  }

  #wasInTrouble(server: string, since: number): boolean {
    return [server, everyServer].some((name) => {
      const trouble = this.#troubles.get(name);
      return trouble !== undefined && (trouble.open > 0 || trouble.lastEnd >= since);
    });
  }

  verdict() {
    const loads = [...this.#load.values()];
    const total = loads.reduce((sum, load) => sum + load, 0);
    const measures = {
      stickiness: this.#pairs === 0 ? 0 : 1 - (this.#moved + this.#excused) / this.#pairs,
      /** Load of the busiest server over the mean: 1 is perfectly even. */
      balance: total === 0 ? 0 : (Math.max(...loads) * loads.length) / total,
      moved: this.#moved,
      excused: this.#excused,
      /** Server processes that answered at all, and those that answered through the gateway. */
      incarnations: this.#incarnations.size,
      serving: this.#serving.size,
    };
    const counts = {
      broken: this.#moved,
      decisive: this.#pairs,
      witness: this.#witness,
      lacks: 'no client was answered twice through the gateway',
    };
    return ruling('affinity', counts, measures, () => {
      const moves = `${count(this.#moved)} of ${count(this.#pairs)} answers from another server`;
      const excused = this.#excused === 0 ? '' : `, ${count(this.#excused)} more after faults`;
      return `${moves}${excused}; stickiness ${percent(measures.stickiness)}`;
    });
  }
}

const everyServer = '*';

/** Whom the fault keeps from answering: the servers it names; all, when it names none. */
function touched({ kind, target }: FaultEvent): readonly string[] {
  if (/\bstore\b/.test(target)) return [];
  const names = target.match(/\bs\d+\b/g);
  return names ?? (kind === 'scale' ? [] : [everyServer]);
}

function replica({ completion }: Pick<Observation, 'completion'>): string | undefined {
  return completion.server?.split('#')[0];
}
