// Which requests make a server ask the store, by how the answers are built: a session is read on
// every request that carries one, a token is only issued, renewed and ended there. The mix of both
// that `cached` is cannot be told from outside, so its readings are not drawn.

import type { Journey } from '../../../src/api/stage.ts';
import type { Operation } from '../../../src/core/history.ts';

const keepsTokens: ReadonlySet<Operation> = new Set([
  'login',
  'refresh',
  'logout',
  'logout-everywhere',
]);

export function asksStore(answer: string, journey: Pick<Journey, 'f' | 'sess'>): boolean {
  if (answer === 'memory') return false;
  if (answer.startsWith('token') || answer === 'cached') return keepsTokens.has(journey.f);
  return journey.f === 'login' || journey.sess !== null;
}

/** The store that a recorded run had: its history names the answer alone. */
export function storeOf(answer: string): 'redis' | 'postgres' | null {
  if (answer === 'memory') return null;
  return answer.startsWith('redis') || answer === 'cached' || answer === 'token-logged'
    ? 'redis'
    : 'postgres';
}
