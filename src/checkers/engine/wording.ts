// How findings and witnesses are put into words: times in seconds with milliseconds, counts with
// their denominators, one line for each operation. No credential can appear: histories have none.

import type { Completion, FaultEvent } from '../../core/history.ts';
import { rateBelow } from '../../core/verdict.ts';
import type { Exchange } from '../checker.ts';

/** '12.402 s' */
function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(3)} s`;
}

/** A length of time in the unit that suits it: '253 ms', '58.1 s'. */
export function span(ms: number): string {
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;
}

/** Thousands are set apart: '12 431'. */
export function count(n: number): string {
  return String(n).replace(/\B(?=(\d{3})+$)/g, ' ');
}

/** '51 %'; shares too small for that keep two digits, so that nothing rounds to zero. */
export function percent(share: number): string {
  const hundredths = share * 100;
  const text = hundredths === 0 || hundredths >= 10 ? hundredths.toFixed(0) : undefined;
  return `${text ?? Number(hundredths.toPrecision(2))} %`;
}

/** ' (true rate < 0.03 % at 95 %)', what none among `seen` says; nothing when that is nothing. */
export function confidence(seen: number): string {
  const rate = rateBelow(seen);
  return rate < 1 ? ` (true rate < ${percent(rate)} at 95 %)` : '';
}

/** '12.402 s  logout alice (c3.1) -> 204 on s2#1', at the moment when it began. */
export function line({ invocation, completion }: Exchange): string {
  const { f, user, to, key, val } = invocation;
  const session = f === 'login' ? completion.sess : invocation.sess;
  const bearer = session ? `${user} (${session})` : user;
  const what = key === undefined ? '' : ` ${val ?? ''} ${key}`;
  const asked = to === 'gateway' || to === 'transfer' ? '' : ` asking ${to}`;
  const request = `${f} ${bearer}${what}${asked}`;
  return `${seconds(invocation.tInv)}  ${request} -> ${answer(completion)}`;
}

function answer({ t, status, seen, server, reason }: Completion): string {
  const why = seen === undefined ? reason : undefined;
  const what = [status, why].filter((part) => part != null).join(' ') || 'no answer';
  const whom =
    seen === undefined || status === 204 ? '' : seen.user === null ? ' nobody' : ` ${seen.user}`;
  const items = Object.entries(seen?.cart ?? {}).map(([item, n]) => `${n} ${item}`);
  const cart = seen?.cart === undefined ? '' : `, cart: ${items.join(', ') || 'empty'}`;
  const files = seen?.files === undefined ? '' : `, files: ${count(seen.files.length)}`;
  const where = server === null ? '' : ` on ${server}`;
  return `${what}${whom}${cart}${files}${where}${t === 'info' ? ' (may have happened)' : ''}`;
}

export function faultLine({ at, kind, target, phase }: FaultEvent): string {
  return `${seconds(at)}  fault: ${kind} ${target} ${phase === 'begin' ? 'begins' : 'ends'}`;
}
