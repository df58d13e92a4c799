// P15: requests are answered, and again soon after a fault. While a fault lasts, and for a second
// after it, failures are counted and excused; at any other time each one breaks the law. A refusal
// (401, 404) is an answer; an outage (5xx, 429), a reset and a timeout are none. An operation that
// the history leaves open is not counted. Latency counts from the moment the request was due. What
// was asked and served within a fault is measured, for excuses alone would excuse a dead cluster.

import type { FaultEvent } from '../core/history.ts';
import type { Witness } from '../core/verdict.ts';
import type { Checker, Checking, Exchange, Observation } from './checker.ts';
import { Distribution } from './engine/distribution.ts';
import { ruling } from './engine/ruling.ts';
import { confidence, count, faultLine, line, span } from './engine/wording.ts';

/** How long after a fault's end failures are still put down to it. */
const recoveryAllowanceMs = 1_000;

export const availability: Checker = {
  property: 'availability',
  chapter: 'docs/concepts/04-the-shared-store.md',
  start: () => new Availability(),
};

class Availability implements Checking {
  readonly #latency = new Distribution();
  /** Quickest answer of each server to what was asked and served within a fault. */
  readonly #quickestInFault = new Map<string, number>();
  #faultsOpen = 0;
  #faultBegan = Number.POSITIVE_INFINITY;
  #lastFaultEnd: FaultEvent | undefined;
  #invoked = 0;
  #served = 0;
  #servedInFault = 0;
  #outside = 0;
  #broken = 0;
  #recoverMs = 0;
  #lastServedAt = 0;
  /** Earliest start among the operations that completed since the last answer. */
  #waitingSince = Number.POSITIVE_INFINITY;
  #longestGapMs = 0;
  #witness: Witness | null = null;

  fault(event: FaultEvent): void {
    if (event.phase === 'begin') {
      if (this.#faultsOpen === 0) this.#faultBegan = event.at;
      this.#faultsOpen += 1;
    } else {
      this.#faultsOpen -= 1;
      this.#lastFaultEnd = event;
    }
  }

  observe(observation: Observation): void {
    const { invocation, completion } = observation;
    if (invocation.to !== 'gateway') return;
    const excused = this.#faultsOpen > 0 || invocation.tInv <= this.#recoveredBy();
    this.#invoked += 1;
    if (!excused) this.#outside += 1;
    this.#waitingSince = Math.min(this.#waitingSince, invocation.tInv);
    if (wasServed(observation)) {
      this.#serve(observation);
      return;
    }
    const end = this.#lastFaultEnd?.at ?? Number.POSITIVE_INFINITY;
    if (this.#faultsOpen === 0 && invocation.tInv >= end) {
      this.#recoverMs = Math.max(this.#recoverMs, completion.tEnd - end);
    }
    if (excused) return;
    this.#broken += 1;
    this.#witness ??= this.#outage(observation);
  }

  #recoveredBy(): number {
    const end = this.#lastFaultEnd?.at;
    return end === undefined ? Number.NEGATIVE_INFINITY : end + recoveryAllowanceMs;
  }

  #serve({ invocation, completion }: Exchange): void {
    this.#served += 1;
    if (this.#faultsOpen > 0 && invocation.tInv >= this.#faultBegan) {
      this.#servedInFault += 1;
      const server = completion.server ?? 'unknown';
      const quickestMs = this.#quickestInFault.get(server) ?? Number.POSITIVE_INFINITY;
      const tookMs = completion.tEnd - invocation.tInv;
      this.#quickestInFault.set(server, Math.min(quickestMs, tookMs));
    }
    this.#latency.add(completion.tEnd - (invocation.tPlan ?? invocation.tInv));
    const gapMs = completion.tEnd - Math.max(this.#lastServedAt, this.#waitingSince);
    this.#longestGapMs = Math.max(this.#longestGapMs, gapMs);
    this.#lastServedAt = completion.tEnd;
    this.#waitingSince = Number.POSITIVE_INFINITY;
  }

  #outage(observation: Observation): Witness {
    const before = this.#lastFaultEnd;
    if (before === undefined) {
      const because = 'no fault had begun, and yet the request was not served';
      return { events: [line(observation)], because };
    }
    const after = span(observation.invocation.tInv - before.at);
    return {
      events: [faultLine(before), line(observation)],
      because: `no fault was under way, and the last had ended ${after} before`,
    };
  }

  verdict() {
    const counts = {
      broken: this.#broken,
      decisive: this.#outside,
      witness: this.#witness,
      lacks: 'nothing was asked for outside the faults',
    };
    const failedInFault = this.#invoked - this.#served - this.#broken;
    const measures = {
      served: this.#served,
      invoked: this.#invoked,
      failedInFault,
      /** Asked and served while a fault lasted, and by how many servers. */
      servedInFault: this.#servedInFault,
      serversInFault: this.#quickestInFault.size,
      /** The quickest answer of the server that was slowest to give one, within a fault. */
      laggardMs: Math.max(0, ...this.#quickestInFault.values()),
      recoverMs: this.#recoverMs,
      longestGapMs: this.#longestGapMs,
      p50Ms: this.#latency.percentile(0.5),
      p99Ms: this.#latency.percentile(0.99),
    };
    return ruling('availability', counts, measures, () => {
      const served = `${count(this.#served)} of ${count(this.#invoked)} served`;
      const back = this.#lastFaultEnd ? `, back after ${span(this.#recoverMs)}` : '';
      const faulty = failedInFault === 0 ? '' : `, ${count(failedInFault)} failed in faults${back}`;
      const broken = count(this.#broken);
      if (this.#broken > 0) return `${served}; ${broken} failed outside faults${faulty}`;
      const none = `0 of ${count(this.#outside)} failed${confidence(this.#outside)}`;
      return `${served}${faulty}; outside ${failedInFault === 0 ? 'faults' : 'them'} ${none}`;
    });
  }
}

function wasServed({ completion: { t, status } }: Exchange): boolean {
  return t === 'ok' || (status !== null && status >= 400 && status < 500 && status !== 429);
}
