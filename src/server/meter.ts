// Counts what the server does, as plain numbers, so that a request pays next to nothing for it.
// The Prometheus library is loaded, and the numbers are put into its form, when somebody asks.
// How latencies are spread is not counted here: the gateway measures that where users feel it.

import type { Registry } from 'prom-client';
import type { Recognition } from '../core/recognition.ts';

interface Tally {
  count: number;
  durationMs: number;
}

export class Meter {
  readonly #recognitions = new Map<string, number>();
  readonly #answers = new Map<string, Map<number, Tally>>();
  #registry: Promise<Registry> | undefined;

  recognition(recognition: Recognition): void {
    const outcome = recognition.kind === 'anonymous' ? recognition.reason : recognition.kind;
    this.#recognitions.set(outcome, (this.#recognitions.get(outcome) ?? 0) + 1);
  }

  /** `route` is the pattern of the route, so that the number of series stays bounded. */
  answer(route: string, status: number, durationMs: number): void {
    let byStatus = this.#answers.get(route);
    if (byStatus === undefined) {
      byStatus = new Map();
      this.#answers.set(route, byStatus);
    }
    const tally = byStatus.get(status);
    if (tally === undefined) byStatus.set(status, { count: 1, durationMs });
    else {
      tally.count += 1;
      tally.durationMs += durationMs;
    }
  }

  /** The metrics in the text format of Prometheus. */
  async exposition(): Promise<{ readonly type: string; readonly text: string }> {
    this.#registry ??= this.#createRegistry();
    const registry = await this.#registry;
    return { type: registry.contentType, text: await registry.metrics() };
  }

  async #createRegistry(): Promise<Registry> {
    const { default: prometheus } = await import('prom-client');
    const registry = new prometheus.Registry();
    const recognitions = this.#recognitions;
    const answers = this.#answers;
    prometheus.collectDefaultMetrics({ register: registry });
    new prometheus.Counter({
      name: 'sessionlab_recognitions_total',
      help: 'Requests by who their sender was found to be: recognised, unknown, or why nobody',
      labelNames: ['outcome'],
      registers: [registry],
      collect() {
        this.reset();
        for (const [outcome, count] of recognitions) this.inc({ outcome }, count);
      },
    });
    const series = (name: string, help: string, value: (tally: Tally) => number) =>
      new prometheus.Counter({
        name,
        help,
        labelNames: ['route', 'status'],
        registers: [registry],
        collect() {
          this.reset();
          for (const [route, byStatus] of answers) {
            for (const [status, tally] of byStatus) this.inc({ route, status }, value(tally));
          }
        },
      });
    series('sessionlab_answers_total', 'Answers by route and status', (tally) => tally.count);
    series(
      'sessionlab_answer_seconds_total',
      'Time from request to answer, summed, by route and status',
      (tally) => tally.durationMs / 1_000,
    );
    return registry;
  }
}
