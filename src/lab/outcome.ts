// What an answer, or its absence, lets us conclude. This is where the soundness of every verdict
// lives: a refusal (401) is an observation and no failure; a change whose answer was lost may have
// happened and is `info`; only what certainly had no effect is `fail`.

import { type ErrorCode, errors } from '../core/errors.ts';
import type { Completion, Operation } from '../core/history.ts';

/** An HTTP exchange as far as it got. */
export interface Exchange {
  /** Null when no complete head arrived. */
  readonly status: number | null;
  readonly retryAfter: boolean;
  /** True when the body arrived to its end. */
  readonly complete: boolean;
  /** True when no connection came about: the request never left. */
  readonly refused: boolean;
  /** How often the gateway sent the request to a server. */
  readonly tries: number | undefined;
  /** The problem's code, if the answer is a problem. */
  readonly reason?: string;
}

const observations: ReadonlySet<Operation> = new Set(['whoami', 'read', 'replay', 'forge']);

export function outcomeOf(f: Operation, exchange: Exchange): Completion['t'] {
  const { status, complete } = exchange;
  if (exchange.refused) return 'fail';
  if (observations.has(f)) {
    return complete && status !== null && (isSuccess(status) || status === 401) ? 'ok' : 'fail';
  }
  if (status === null || !complete || (exchange.tries ?? 1) > 1) return 'info';
  if (isSuccess(status) || status === 401) return 'ok';
  const surelyRefused = status < 500 || (status === 503 && exchange.retryAfter);
  return surelyRefused && !isIndefinite(exchange.reason) ? 'fail' : 'info';
}

export function isSuccess(status: number): boolean {
  return status >= 200 && status < 300;
}

function isIndefinite(code: string | undefined): boolean {
  return errors[code as ErrorCode]?.definite === false;
}
