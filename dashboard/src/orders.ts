// What a person orders, and what came of it. Every order that was carried out is kept with the
// command line that does the same, the last thirty of them; what went wrong is kept, too.

import { computed, signal } from '@preact/signals';
import { type Did, type Order, paths } from '../../src/api/contract.ts';

/** What may be ordered in one lane, or in all. */
export type OrderInLane =
  Extract<Order, { readonly lane?: unknown }> extends infer Each
    ? Each extends unknown
      ? Omit<Each, 'lane'>
      : never
    : never;

export interface Done {
  readonly number: number;
  readonly order: Order;
  readonly did: Did;
}

const keptMax = 30;
/** Longer than that is worth a word. */
const patienceMs = 500;
let count = 0;

/** The newest first. */
export const done = signal<readonly Done[]>([]);
export const last = computed(() => done.value[0] ?? null);
export const underWay = signal(0);
/** What is taking its time. */
export const awaited = signal<Order | null>(null);

/** Where the operator's token is, if the lab asks for one: in the address that the lab printed. */
const token = new URLSearchParams(location.search).get('token');

export function authorization(): Record<string, string> {
  return token === null ? {} : { authorization: `Bearer ${token}` };
}

export async function give(order: Order): Promise<Did> {
  underWay.value += 1;
  const patience = setTimeout(() => {
    awaited.value = order;
  }, patienceMs);
  const did = await post(order).catch(
    (): Did => ({ ok: false, why: 'The lab does not answer. Is `npm start` still running?' }),
  );
  clearTimeout(patience);
  awaited.value = null;
  underWay.value -= 1;
  count += 1;
  done.value = [{ number: count, order, did }, ...done.value].slice(0, keptMax);
  return did;
}

async function post(order: Order): Promise<Did> {
  const answer = await fetch(paths.orders, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...authorization() },
    body: JSON.stringify(order),
  });
  const body: unknown = await answer.json();
  if (isDid(body)) return body;
  return { ok: false, why: `The lab refused the order (${answer.status}).` };
}

function isDid(body: unknown): body is Did {
  return typeof body === 'object' && body !== null && 'ok' in body;
}
