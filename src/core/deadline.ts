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
