// Whose turn it is to work on an upload: the newest comer's. Who was at it is told to stop, and the
// next begins when that one has finished. A client that was cut off need not wait for its own old
// connection to be found dead.

import assert from 'node:assert';
import { OperatingError } from '../../core/errors.ts';

export class Turn {
  readonly #taken = new AbortController();
  readonly #finished = Promise.withResolvers<void>();
  readonly #onTaken: () => void;
  #isKept = false;

  constructor(onTaken: () => void) {
    this.#onTaken = onTaken;
  }

  /** Aborts when the turn is taken away. */
  get signal(): AbortSignal {
    return this.#taken.signal;
  }

  get finished(): Promise<void> {
    return this.#finished.promise;
  }

  /** @throws OperatingError `upload-taken-over` */
  check(): void {
    if (this.signal.aborted) throw new OperatingError('upload-taken-over');
  }

  /** From now on it is waited for, and not taken away. */
  keep(): void {
    this.check();
    this.#isKept = true;
  }

  /** Resolves when it has finished. */
  takeAway(): Promise<void> {
    if (!this.#isKept && !this.signal.aborted) {
      this.#onTaken();
      this.#taken.abort();
    }
    return this.finished;
  }

  /** Nobody takes it over: there will be no more turns. */
  stop(): Promise<void> {
    if (!this.#isKept) this.#taken.abort();
    return this.finished;
  }

  finish(): void {
    this.#finished.resolve();
  }
}

export class Turns {
  readonly #turns = new Map<string, Turn>();

  /** @throws OperatingError `upload-taken-over` when yet another came before the turn began */
  async take(id: string, onTaken: () => void): Promise<Turn> {
    const before = this.#turns.get(id);
    const turn = this.#add(id, onTaken);
    await before?.takeAway();
    if (turn.signal.aborted) turn.finish();
    turn.check();
    return turn;
  }

  isTaken(id: string): boolean {
    return this.#turns.has(id);
  }

  /** Of what is not taken: who comes waits for it, and cannot take it away. */
  hold(id: string): Turn {
    assert(!this.isTaken(id));
    const turn = this.#add(id, () => undefined);
    turn.keep();
    return turn;
  }

  /** Resolves when all turns have finished. */
  async end(): Promise<void> {
    await Promise.all([...this.#turns.values()].map((turn) => turn.stop()));
  }

  #add(id: string, onTaken: () => void): Turn {
    const turn = new Turn(onTaken);
    this.#turns.set(id, turn);
    void turn.finished.then(() => this.#turns.get(id) === turn && this.#turns.delete(id));
    return turn;
  }
}
