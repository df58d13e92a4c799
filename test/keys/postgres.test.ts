// Servers that share their keys in a real PostgreSQL: one election, rotations under way, an outage,
// a key that an operator took away.

import { randomBytes } from 'node:crypto';
import { escapeIdentifier } from 'pg';
import { describe, expect, inject, onTestFinished, test, vi } from 'vitest';
import { withClient } from '../../src/backing/databases.ts';
import type { KeyRing, TokenAlgorithm } from '../../src/keys/key-ring.ts';
import { KeyTable } from '../../src/keys/key-table.ts';
import { postgres } from '../../src/keys/postgres.ts';
import { freshDatabase } from '../support/backing.ts';

const soon = { timeout: 20_000, interval: 20 };

async function open(
  url: string,
  changes: { rotationMs?: number; algorithm?: TokenAlgorithm } = {},
) {
  const ring = await postgres.open({
    ...{ url, algorithm: 'EdDSA', rotationMs: 86_400_000, tokenMs: 300, timeoutMs: 5_000 },
    ...changes,
  });
  onTestFinished(() => ring[Symbol.asyncDispose]());
  return ring;
}

const openMany = (url: string, count: number, rotationMs?: number) =>
  Promise.all(
    Array.from({ length: count }, () => open(url, rotationMs === undefined ? {} : { rotationMs })),
  );

const rows = (url: string) =>
  withClient(url, async (client) => (await client.query('SELECT * FROM token_keys')).rows);

/** True, false, or undefined where the ring itself says that it may not know. */
function accepts(ring: KeyRing, id: string): boolean | undefined {
  return ring.verifying(id) !== undefined || (ring.mayExist(id) ? undefined : false);
}

test.each(['EdDSA', 'ES256', 'HS256'] as const)(
  'of 16 servers that start together one makes the key, for %s',
  async (algorithm) => {
    const url = await freshDatabase();
    const rings = await Promise.all(Array.from({ length: 16 }, () => open(url, { algorithm })));
    const ids = new Set(rings.map((ring) => ring.signing().id));
    expect(ids.size).toBe(1);
    expect(await rows(url)).toHaveLength(1);
    const [one, other] = rings;
    const key = one?.signing();
    expect(key?.algorithm).toBe(algorithm);
    expect(other?.verifying(key?.id ?? '')?.verify('text', key?.sign('text') ?? Buffer.of())).toBe(
      true,
    );
    expect(one?.jwks().keys).toHaveLength(algorithm === 'HS256' ? 0 : 1);
  },
);

test('while keys rotate, every server accepts what any other signs [ASVS 9.1.3]', async () => {
  const url = await freshDatabase();
  const rings = await openMany(url, 3, 2_000);
  const seen = new Map<string, number>();
  const refusals: string[] = [];
  const until = performance.now() + 25_000;
  let retired: string | undefined;
  while (retired === undefined && performance.now() < until) {
    for (const signer of rings) {
      const { id } = signer.signing();
      if (!seen.has(id)) seen.set(id, performance.now());
      for (const ring of rings) if (accepts(ring, id) === false) refusals.push(id);
    }
    retired = [...seen.keys()].find((id) => rings.every((ring) => accepts(ring, id) === false));
    await new Promise((done) => setTimeout(done, 5));
  }
  expect(refusals).toEqual([]);
  expect(seen.size).toBeGreaterThanOrEqual(2);
  expect(retired).toBe([...seen.keys()][0]);
  for (const ring of rings) {
    expect(ring.jwks().keys.map(({ kid }) => kid)).not.toContain(retired);
    await vi.waitFor(() => expect(ring.generation).toBeGreaterThan(0), soon);
  }
  const turns = (await rows(url)).map(({ turn }) => turn);
  expect(turns).not.toContain(1);
});

test('a key is known to all servers before it signs', async () => {
  const url = await freshDatabase();
  const [one, other] = await openMany(url, 2, 6_000);
  const first = one?.signing().id;
  await vi.waitFor(() => expect(one?.jwks().keys).toHaveLength(2), soon);
  const next = one?.jwks().keys.at(-1)?.kid ?? '';
  const { signs_from: signsFrom } = (await rows(url)).find(({ turn }) => turn === 2) ?? {};
  await vi.waitFor(() => expect(other?.verifying(next)).toBeDefined(), soon);
  expect(signsFrom).toBeGreaterThan(Date.now());
  expect([one?.signing().id, other?.signing().id]).toEqual([first, first]);
});

test('keys that nobody has heard of cost one question a second, however many come', async () => {
  const ring = await open(await freshDatabase());
  const asked = vi.spyOn(KeyTable.prototype, 'read');
  onTestFinished(() => asked.mockRestore());
  const started = performance.now();
  while (performance.now() - started < 2_500) {
    for (let times = 0; times < 1_000; times += 1) {
      expect(ring.verifying(randomBytes(32).toString('base64url'))).toBeUndefined();
    }
    await new Promise((done) => setImmediate(done));
  }
  const seconds = (performance.now() - started) / 1_000;
  // Beside these it asks every two seconds anyway.
  expect(asked.mock.calls.length).toBeLessThanOrEqual(Math.ceil(seconds) + Math.ceil(seconds / 2));
  expect(asked.mock.calls.length).toBeGreaterThan(0);
});

describe('when the database is away', () => {
  async function closing(url: string) {
    const name = decodeURIComponent(new URL(url).pathname.slice(1));
    const allow = (may: boolean) =>
      withClient(inject('databaseUrl'), async (client) => {
        await client.query(`ALTER DATABASE ${escapeIdentifier(name)} ALLOW_CONNECTIONS ${may}`);
        const end = 'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1';
        await client.query(end, [name]);
      });
    await allow(false);
    return { reopen: () => allow(true) };
  }

  test('known keys go on, and the ring says when there may be others', async () => {
    const url = await freshDatabase();
    const ring = await open(url, { rotationMs: 2_000 });
    const { id } = ring.signing();
    expect(ring.mayExist('')).toBe(false);
    const outage = await closing(url);
    await vi.waitFor(() => expect(ring.mayExist('')).toBe(true), soon);
    expect(ring.signing().id).toBe(id);
    expect(ring.verifying(id)).toBeDefined();
    await outage.reopen();
    await vi.waitFor(() => expect(ring.mayExist('')).toBe(false), soon);
    expect(ring.verifying(id)).toBeDefined();
  });

  test('a server does not start without a key', async () => {
    const url = await freshDatabase();
    await closing(url);
    await expect(open(url)).rejects.toMatchObject({ code: 'store-unavailable' });
  });
});

test('a key that an operator took away is refused by all servers within five seconds', async () => {
  const url = await freshDatabase();
  const rings = await openMany(url, 3);
  const [lost] = rings.map((ring) => ring.signing().id);
  const generations = rings.map((ring) => ring.generation);
  await withClient(url, (client) => client.query('DELETE FROM token_keys'));
  const started = performance.now();
  await vi.waitFor(() => {
    for (const ring of rings) expect(ring.verifying(lost ?? '')).toBeUndefined();
  }, soon);
  const [id, ...others] = rings.map((ring) => ring.signing().id);
  expect(others).toEqual([id, id]);
  expect(id).not.toBe(lost);
  expect(performance.now() - started).toBeLessThan(5_000);
  expect(rings.every((ring, at) => ring.generation > (generations[at] ?? 0))).toBe(true);
  expect(await rows(url)).toHaveLength(1);
});

test('a key that signs at once is not refused by who has not heard of it yet, and strangers are', async () => {
  const url = await freshDatabase();
  const one = await open(url);
  await withClient(url, (client) => client.query('DELETE FROM token_keys'));
  const { id } = (await open(url)).signing();
  expect(accepts(one, id)).toBeUndefined();
  const [junk, ...more] = Array.from({ length: 3 }, () => randomBytes(32).toString('base64url'));
  expect(accepts(one, junk ?? '')).toBeUndefined();
  await vi.waitFor(() => expect(accepts(one, id)).toBe(true), soon);
  expect(accepts(one, junk ?? '')).toBe(false);
  for (const other of more) expect(accepts(one, other)).toBeUndefined();
  expect(accepts(one, junk ?? '')).toBe(false);
});
