// Every bound of the program in one table, with its reason. Lifetimes have defaults here and may be
// configured; sizes may not.

/** How long things last, in milliseconds. OWASP ASVS 5.0 7.3 asks for both session limits. */
export interface Lifetimes {
  /** A session unused for this long has ended (ASVS 7.3.1). */
  readonly idleMs: number;
  /** A session this old has ended, used or not (ASVS 7.3.2). */
  readonly absoluteMs: number;
  /** An access token is accepted for this long after it was signed: nobody can call it back. */
  readonly accessTokenMs: number;
  /** A credential replaced by rotation is still absorbed for this long (parallel requests). */
  readonly rotationGraceMs: number;
  /** For sensitive operations the user must have proven this recently who they are (ASVS 7.5). */
  readonly freshMs: number;
}

export const lifetimes: Lifetimes = {
  idleMs: 30 * 60_000,
  absoluteMs: 12 * 60 * 60_000,
  accessTokenMs: 5 * 60_000,
  rotationGraceMs: 10_000,
  freshMs: 5 * 60_000,
};

export const limits = {
  /** No session may be set to live longer: browsers keep no cookie for more (RFC 6265bis 5.6.1). */
  lifetimeMsMax: 400 * 24 * 60 * 60_000,
  /** RFC 6265bis lets a client drop cookies above this; the access token keeps to it as well. */
  credentialBytesMax: 4096,
  bodyBytesMax: 64 * 1024,
  fieldsMax: 64,
  fieldNameCharsMax: 64,
  fieldValueBytesMax: 4096,
  cartQuantityMax: 99,
  passwordCharsMin: 8,
  /** Bounds the work of one hash; ASVS 5.0 6.2.9 asks to allow at least 64. */
  passwordCharsMax: 128,
  /** A lookup that takes longer is an outage, and is said to be one. */
  storeTimeoutMs: 250,
} as const;

/**
 * How much later than `lastSeenAt` a use must be before it is written down: writing at every
 * request is the commonest cost of session libraries, and the idle limit needs no more precision.
 */
export function touchIntervalMs(idleMs: number): number {
  return Math.min(idleMs / 10, 60_000);
}
