// The circuit breaker on a clock of its own, and where the URL of a Redis leads.

import { expect, test } from 'vitest';
import { redisAddress } from '../../src/core/redis-address.ts';
import { Breaker } from '../../src/stores/breaker.ts';
import { slotOf } from '../../src/stores/redis-cluster.ts';

function breakerAt(clock: { now: number }) {
  const options = { failuresMax: 3, restMs: 50, restMsMax: 150 };
  return new Breaker({ ...options, clock: () => clock.now });
}

test('failures in a row open it, and a success between them does not let them add up', () => {
  const breaker = breakerAt({ now: 0 });
  for (const _ of [1, 2]) breaker.failed();
  breaker.succeeded();
  for (const _ of [1, 2]) breaker.failed();
  expect([breaker.state, breaker.admits()]).toEqual(['closed', true]);
  breaker.failed();
  expect([breaker.state, breaker.admits()]).toEqual(['open', false]);
});

test('after its rest it lets one probe through, whose success closes it', () => {
  const clock = { now: 0 };
  const breaker = breakerAt(clock);
  for (const _ of [1, 2, 3]) breaker.failed();
  clock.now = 49;
  expect([breaker.admits(), breaker.restLeftMs]).toEqual([false, 1]);
  clock.now = 50;
  expect([breaker.admits(), breaker.state]).toEqual([true, 'half-open']);
  expect(breaker.admits()).toBe(false);
  breaker.succeeded();
  expect([breaker.state, breaker.admits(), breaker.admits()]).toEqual(['closed', true, true]);
});

test('each failed probe doubles the rest, up to its most', () => {
  const clock = { now: 0 };
  const breaker = breakerAt(clock);
  for (const _ of [1, 2, 3]) breaker.failed();
  const rests = [1, 2, 3, 4].map(() => {
    const restMs = breaker.restLeftMs;
    clock.now += restMs;
    expect(breaker.admits()).toBe(true);
    breaker.failed();
    return restMs;
  });
  expect(rests).toEqual([50, 100, 150, 150]);
});

test('what was in flight when it opened makes it rest no longer', () => {
  const clock = { now: 0 };
  const breaker = breakerAt(clock);
  for (const _ of [1, 2, 3]) breaker.failed();
  clock.now = 40;
  for (const _ of [1, 2, 3]) breaker.failed();
  expect(breaker.restLeftMs).toBe(10);
});

test('a URL says where Redis is, who asks, and whom to trust', () => {
  expect(redisAddress('redis://[::1]')).toMatchObject({
    ...{ topology: 'standalone', database: 0, tls: false, user: undefined, password: undefined },
    endpoints: [{ host: '::1', port: 6379 }],
  });
  expect(redisAddress('rediss+sentinel://u:p%40%3A@a,b:7/mine/4?ca=/c%20a')).toMatchObject({
    ...{ topology: 'sentinel', master: 'mine', database: 4, tls: true, caFile: '/c a' },
    ...{ user: 'u', password: 'p@:' },
    endpoints: [
      { host: 'a', port: 26379 },
      { host: 'b', port: 7 },
    ],
  });
  expect(redisAddress('redis+cluster://:secret@a:1,b:2')).toMatchObject({
    ...{ topology: 'cluster', user: undefined, password: 'secret' },
    endpoints: [
      { host: 'a', port: 1 },
      { host: 'b', port: 2 },
    ],
  });
});

test.each([
  'http://u:secret@h',
  'redis://u:secret@h/x',
  'redis://u:secret@h/1/2',
  'redis://u:secret@a,b',
  'redis://u:secret@h:99999',
  'redis://u:secret@',
  'redis://u:secret%zz@h',
  'redis://u:secret@h?ca=/x',
  'rediss://u:secret@h?timeout=1',
  'redis://u:secret/@h',
  'redis+sentinel://u:secret@h',
  'redis+cluster://u:secret@h/1',
])('%s is refused, with a reason and without the password', (url) => {
  const refusal = expect.objectContaining({
    code: 'store-unavailable',
    message: expect.stringMatching(/^the URL of Redis is wrong: (?!.*secret)/),
  });
  expect(() => redisAddress(url)).toThrow(refusal);
});

test('a key lies in the slot that Redis puts it in', () => {
  expect(['foo', '{foo}bar', 'a{foo}{b}', '123456789'].map(slotOf)).toEqual([
    ...[12_182, 12_182, 12_182, 12_739],
  ]);
});
