// Several pieces of work that belong together: the first failure calls the others off, and is
// thrown only when all of them have come to rest, so that nothing is cleared away under anybody.

export async function together(
  outer: AbortSignal | undefined,
  begin: (signal: AbortSignal) => readonly Promise<unknown>[],
): Promise<void> {
  const callOff = new AbortController();
  const signal = AbortSignal.any(outer ? [outer, callOff.signal] : [callOff.signal]);
  const failures: unknown[] = [];
  const resting = begin(signal).map((work) =>
    work.catch((error: unknown) => {
      failures.push(error);
      callOff.abort(error);
    }),
  );
  await Promise.all(resting);
  // What was called off from outside says so by many errors; only the reason is worth telling.
  outer?.throwIfAborted();
  if (failures.length > 0) throw failures[0];
}
