// How a command ends, in numbers (64 is EX_USAGE of BSD's sysexits).

export const exits = {
  asExpected: 0,
  surprised: 1,
  undecided: 2,
  harnessFailed: 3,
  usage: 64,
  interrupted: 130,
} as const;

/** The person asked for something that is not there. The message says what is. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** How long clearing up may take after an interruption. */
const clearingTimeoutMs = 15_000;

/** An AbortSignal that Ctrl-C and SIGTERM fire once; a second Ctrl-C ends the process at once. */
export function interruption(): AbortSignal {
  const controller = new AbortController();
  const stop = () => {
    if (controller.signal.aborted) process.exit(exits.interrupted);
    controller.abort();
    setTimeout(() => process.exit(exits.interrupted), clearingTimeoutMs).unref();
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, stop);
  return controller.signal;
}
