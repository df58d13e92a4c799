// When a key that servers share is in which state. All of it follows from the moments at which keys
// begin to sign, so there is nothing to switch over and no moment at which servers could disagree
// longer than their clocks do. Pure: the caller brings the time, which is that of the database.

export type KeyState = 'published' | 'signing' | 'verifying' | 'retired';

export interface Schedule {
  /** How long a key signs before the next one takes over. */
  readonly rotationMs: number;
  /** How long others have to learn of a key before it signs. */
  readonly leadMs: number;
  /** How often a server asks for keys; at least five times within `leadMs`. */
  readonly pollMs: number;
  /** How long a key verifies after its successor began to sign: while a token of it matters. */
  readonly verifyingMs: number;
}

/** Times in milliseconds. A lead of two minutes is longer than others keep our JWKS. */
export function scheduleOf(rotationMs: number, tokenMs: number): Schedule {
  const leadMs = Math.min(120_000, rotationMs / 2);
  const pollMs = Math.min(2_000, leadMs / 5);
  return { rotationMs, leadMs, pollMs, verifyingMs: tokenMs + leadMs };
}

/** The state of the key that signs from one moment, and whose successor does from another. */
export function keyStateAt(
  now: number,
  signsFrom: number,
  successorSignsFrom: number | undefined,
  { verifyingMs }: Schedule,
): KeyState {
  if (now < signsFrom) return 'published';
  if (successorSignsFrom === undefined || now < successorSignsFrom) return 'signing';
  return now < successorSignsFrom + verifyingMs ? 'verifying' : 'retired';
}

/** When the key after the newest one begins to sign, if it is time to publish it. */
export function nextSignsFrom(
  now: number,
  newestSignsFrom: number | undefined,
  { rotationMs, leadMs }: Schedule,
): number | undefined {
  // Before the first key there was nobody who could sign, and nobody who has to learn of another.
  if (newestSignsFrom === undefined) return now;
  const due = newestSignsFrom + rotationMs;
  return due - leadMs <= now ? Math.max(due, now + leadMs) : undefined;
}
