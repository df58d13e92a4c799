// The classification, row by row: it decides what every verdict may conclude.

import { expect, test } from 'vitest';
import type { Operation } from '../../src/core/history.ts';
import { type Exchange, outcomeOf } from '../../src/lab/outcome.ts';

function answered(status: number, more: Partial<Exchange> = {}): Exchange {
  return { status, retryAfter: false, complete: true, refused: false, tries: 1, ...more };
}

const silence: Exchange = { ...answered(0), status: null, complete: false };
const observations: readonly Operation[] = ['whoami', 'read', 'replay', 'forge'];
const changes: readonly Operation[] = ['login', 'put', 'refresh', 'logout', 'logout-everywhere'];

test.each(observations)('%s: a refusal is an observation, an outage is not', (f) => {
  expect(outcomeOf(f, answered(200))).toBe('ok');
  expect(outcomeOf(f, answered(401))).toBe('ok');
  expect(outcomeOf(f, answered(503, { retryAfter: true }))).toBe('fail');
  expect(outcomeOf(f, answered(502))).toBe('fail');
  expect(outcomeOf(f, answered(200, { complete: false }))).toBe('fail');
  expect(outcomeOf(f, silence)).toBe('fail');
  expect(outcomeOf(f, answered(200, { tries: 2 }))).toBe('ok');
});

test.each(changes)('%s: what may have happened is not called failed', (f) => {
  expect(outcomeOf(f, answered(200))).toBe('ok');
  expect(outcomeOf(f, answered(401))).toBe('ok');
  expect(outcomeOf(f, answered(409))).toBe('fail');
  expect(outcomeOf(f, answered(429))).toBe('fail');
  expect(outcomeOf(f, answered(503, { retryAfter: true }))).toBe('fail');
  const notDurable = { retryAfter: true, reason: 'revocation-not-durable' };
  expect(outcomeOf(f, answered(503, notDurable))).toBe('info');
  expect(outcomeOf(f, answered(503))).toBe('info');
  expect(outcomeOf(f, answered(500))).toBe('info');
  expect(outcomeOf(f, answered(502))).toBe('info');
  expect(outcomeOf(f, answered(504))).toBe('info');
  expect(outcomeOf(f, answered(200, { complete: false }))).toBe('info');
  expect(outcomeOf(f, silence)).toBe('info');
  expect(outcomeOf(f, { ...silence, refused: true })).toBe('fail');
});

test('a change that the gateway sent twice may have happened twice', () => {
  expect(outcomeOf('put', answered(200, { tries: 2 }))).toBe('info');
});
