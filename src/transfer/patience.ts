// How long a peer may take. A frame that is due whole (hello, a command) has a time; a stream of
// data has a pace, judged a window at a time, so that bursts and pauses within one do not matter;
// and the transfer of a file has a time in all. Time that this side took is not held against the
// other. It moves no bytes: it is told of them, and says when it is too late.

import { afterTime } from '../core/deadline.ts';
import { OperatingError } from '../core/errors.ts';

export interface PatienceOptions {
  /** From the connection to the hello. */
  readonly helloMs: number;
  /** Without a command; and the window over which the pace is averaged. */
  readonly idleMs: number;
  /** For one command, with all its data. */
  readonly totalMs: number;
  /** Bytes a second. */
  readonly rateMin: number;
}

/** Who goes on with an upload hashes first what is there, and gets time for it at this rate. */
const rehashedPerMs = 16 * 1024;

export class Patience {
  readonly #options: PatienceOptions;
  readonly #late: (error: OperatingError) => void;
  #timer: Disposable | undefined;
  #bytes = 0;
  #isBusy = false;
  #isExcused = false;

  constructor(options: PatienceOptions, late: (error: OperatingError) => void) {
    this.#options = options;
    this.#late = late;
  }

  /** Until disposed of: this is done in time, or it is late. */
  within(timeMs: number, detail: string): Disposable {
    return afterTime(timeMs, () => this.#late(new OperatingError('too-slow', { detail })));
  }

  hello(): Disposable {
    return this.within(this.#options.helloMs, 'The hello did not come in time');
  }

  command(): Disposable {
    return this.within(this.#options.idleMs, 'No command came in time');
  }

  transfer(): Disposable {
    return this.within(this.#options.totalMs, 'The transfer took too long');
  }

  /** So much was written: it is to be taken at the least rate, or a little later. */
  reading(bytes: number): Disposable {
    const { idleMs, rateMin } = this.#options;
    return this.within(idleMs + (1_000 * bytes) / rateMin, 'What was sent was not read in time');
  }

  /** Until disposed of: data come at the least rate. `offset`: from where an upload goes on. */
  pace(offset: number): Disposable {
    this.#openWindow(offset / rehashedPerMs);
    return { [Symbol.dispose]: () => this.#timer?.[Symbol.dispose]() };
  }

  heard(bytes: number): void {
    this.#bytes += bytes;
  }

  /** While this side can take no more, nothing that fails to come is the fault of the other. */
  busy(isBusy: boolean): void {
    this.#isBusy = isBusy;
    this.#isExcused ||= isBusy;
  }

  #openWindow(extraMs = 0): void {
    const { idleMs, rateMin } = this.#options;
    this.#bytes = 0;
    this.#isExcused = this.#isBusy;
    this.#timer = afterTime(idleMs + extraMs, () => {
      if (this.#isExcused || this.#bytes >= (rateMin * idleMs) / 1_000) return this.#openWindow();
      const detail = `Fewer than ${rateMin} bytes a second came`;
      this.#late(new OperatingError('too-slow', { detail }));
    });
  }
}
