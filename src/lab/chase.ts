// A login that has ended, chased: its credential is presented to a server from the moment on at
// which the logout was seen to be acknowledged, until the server has refused it and, some margin
// later, refuses it still. What counts is when the last request that was accepted began: one that
// was under way before the acknowledgement is nobody's fault.

import { setTimeout as delay } from 'node:timers/promises';

/** Presents a credential to one server; the status of its answer, or undefined without one. */
export type Door = (headers: Readonly<Record<string, string>>) => Promise<number | undefined>;

export interface Ended {
  /** What carries the credential. */
  readonly headers: Readonly<Record<string, string>>;
  /** When the acknowledgement was seen, by performance.now(). */
  readonly at: number;
  /** From then to the start of the last request that was accepted; undefined: none was. */
  lagMs: number | undefined;
}

/** What all requests with ended credentials came to. */
export interface Tally {
  requests: number;
  accepted: number;
  /** 503: the server said that it does not know. */
  unavailable: number;
  /** Neither accepted, nor 401, nor 503. */
  unanswered: number;
}

export interface Patience {
  /** The longest pause between two requests. */
  readonly pauseMs: number;
  /** A credential that is accepted for so long is not asked for any longer. */
  readonly giveUpMs: number;
  readonly signal: AbortSignal;
}

const marginMs = 100;
/** Of one credential at one server: more would drown a server that is slow. */
const underWayMax = 2;

/** Presents it once; true when it was accepted. */
export async function present(ended: Ended, door: Door, tally: Tally): Promise<boolean> {
  const startedAt = performance.now();
  const status = await door(ended.headers);
  tally.requests += 1;
  if (status === 200) {
    tally.accepted += 1;
    ended.lagMs = Math.max(ended.lagMs ?? 0, startedAt - ended.at);
  } else if (status === 503) tally.unavailable += 1;
  else if (status !== 401) tally.unanswered += 1;
  return status === 200;
}

export async function chase(
  ended: Ended,
  door: Door,
  tally: Tally,
  { pauseMs, giveUpMs, signal }: Patience,
): Promise<void> {
  const underWay = new Set<Promise<void>>();
  let isRefused = false;
  const ask = async () => {
    isRefused = !(await present(ended, door, tally));
  };
  for (let atMs = 0; atMs <= giveUpMs; ) {
    const asked = ask().finally(() => underWay.delete(asked));
    underWay.add(asked);
    if (isRefused && atMs >= marginMs) {
      await Promise.all(underWay);
      if (isRefused) return;
    }
    if (underWay.size === underWayMax) await Promise.race(underWay);
    const next = atMs + Math.min(Math.max(atMs, 1), pauseMs);
    const restMs = ended.at + (isRefused ? Math.max(next, marginMs) : next) - performance.now();
    if (restMs > 0) await delay(restMs, undefined, { signal });
    atMs = performance.now() - ended.at;
  }
  await Promise.all(underWay);
}
