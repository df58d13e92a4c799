// What a run tells while it goes on, for whoever watches: its phase, how far the users are, and the
// fault that began or ended last. It decides nothing.

import type { HistoryEvent } from '../core/history.ts';

export type Phase = 'starting' | 'working' | 'healing' | 'judging' | 'done';

export interface Progress {
  /** The run's name: 'memory-two-servers'. */
  readonly name: string;
  readonly phase: Phase;
  /** Operations that have completed so far, and how many are planned. */
  readonly operations: number;
  readonly planned: number;
  /** The fault that began or ended last: 'crash s2 begin'. */
  readonly fault?: string;
}

export class Telling {
  #progress: Progress;
  readonly #listener: ((progress: Progress) => void) | undefined;

  constructor(name: string, planned: number, listener?: (progress: Progress) => void) {
    this.#listener = listener;
    this.#progress = { name, phase: 'starting', operations: 0, planned };
    this.#tell({});
  }

  phase(phase: Phase): void {
    this.#tell({ phase });
  }

  heard(event: HistoryEvent): void {
    if (event.t === 'fault') this.#tell({ fault: `${event.kind} ${event.target} ${event.phase}` });
    const completed = event.t === 'ok' || event.t === 'fail' || event.t === 'info';
    if (completed) this.#tell({ operations: this.#progress.operations + 1 });
  }

  #tell(news: Partial<Progress>): void {
    this.#progress = { ...this.#progress, ...news };
    this.#listener?.(this.#progress);
  }
}
