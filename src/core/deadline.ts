// Bounds for waiting. Nothing that asks another machine waits for ever, and nothing is called late
// only because this very process was halted while the answer lay in its socket.

/**
 * Calls back after a time, but lets what has arrived meanwhile be read first: after a pause of
 * this very process its timers run before its sockets are looked at.
 */
export function afterTime(timeMs: number, late: () => void): Disposable {
  let immediate: NodeJS.Immediate | undefined;
  const timer = setTimeout(() => {
    immediate = setImmediate(late);
  }, timeMs);
  return {
    [Symbol.dispose]: () => {
      clearTimeout(timer);
      clearImmediate(immediate);
    },
  };
}

export interface Wait {
  readonly untilMs: number;
  isOver: boolean;
}

/**
 * One timer for all that is waited for equally long, when there is much of it: calls back like
 * `afterTime` when something has waited too long. Who waits says when that is over.
 */
export class SharedDeadline {
  readonly #timeMs: number;
  readonly #late: () => void;
  /** Oldest first; answers usually come in the order of the questions. */
  readonly #waits: Wait[] = [];
  #isTimed = false;

  constructor(timeMs: number, late: () => void) {
    this.#timeMs = timeMs;
    this.#late = late;
  }

  begin(): Wait {
    const wait = { untilMs: performance.now() + this.#timeMs, isOver: false };
    this.#waits.push(wait);
    if (!this.#isTimed) this.#lookAfter(this.#timeMs);
    return wait;
  }

  end(wait: Wait): void {
    wait.isOver = true;
    while (this.#waits[0]?.isOver) this.#waits.shift();
  }

  #lookAfter(ms: number): void {
    this.#isTimed = true;
    setTimeout(() => this.#look(), Math.ceil(ms)).unref();
  }

  #look(): void {
    this.#isTimed = false;
    const [oldest] = this.#waits;
    if (oldest === undefined) return;
    const leftMs = oldest.untilMs - performance.now();
    if (leftMs > 0) this.#lookAfter(leftMs);
    else setImmediate(() => (oldest.isOver ? this.#look() : this.#late()));
  }
}

/** Rejects when the promise has not settled in time; what it does later is for nobody. */
export async function inTime<T>(
  timeMs: number,
  promise: Promise<T>,
  tooLate = () => new Error(`no answer within ${timeMs} ms`),
): Promise<T> {
  const late = Promise.withResolvers<never>();
  using _ = afterTime(timeMs, () => late.reject(tooLate()));
  return await Promise.race([promise, late.promise]);
}
