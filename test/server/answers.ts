// The answers that tests of the server run on: every strategy, and every store.

export const answers = [
  { strategy: 'token', store: 'postgres' },
  { strategy: 'session', store: 'memory' },
  { strategy: 'session', store: 'redis' },
  { strategy: 'session', store: 'postgres' },
  { strategy: 'token-with-revocation', store: 'postgres' },
  { strategy: 'sealed-cookie', store: 'memory' },
] as const;
export type Answer = (typeof answers)[number];

/** A sealed cookie is with its client alone: none is listed, counted, or ended by its handle. */
export const areListed = ({ strategy }: Answer) => strategy !== 'sealed-cookie';
