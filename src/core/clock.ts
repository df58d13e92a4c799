// Time as an argument. Whoever decides by time takes a Clock, so that a test can hold the time
// still and the lab can give one replica a clock that is wrong.

export interface Clock {
  /** Milliseconds since the Unix epoch. */
  now(): number;
}

export const systemClock: Clock = { now: () => Date.now() };
