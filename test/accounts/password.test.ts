// Hashing: how many at once, and how much work a wrong name is.

import { describe, expect, test } from 'vitest';
import { hashingDefaults, Passwords, readPassword } from '../../src/accounts/password.ts';

const cheap = { ...hashingDefaults, memoryKib: 64, passes: 1 };
const secret = readPassword('correct horse') ?? Buffer.alloc(0);

test('only so many run and wait; the rest are told at once that it is too much', async () => {
  const passwords = await Passwords.prepare({ ...cheap, runningMax: 2, waitingMax: 3 });
  const asked = Array.from({ length: 8 }, () => passwords.hash(secret));
  const results = await Promise.allSettled(asked);
  const refused = results.slice(5);
  expect(results.slice(0, 5).map(({ status }) => status)).toEqual(Array(5).fill('fulfilled'));
  for (const result of refused) {
    expect(result).toMatchObject({ reason: { code: 'overloaded', retryAfterSeconds: 1 } });
  }
  expect(await passwords.hash(secret)).toContain('$argon2id$');
});

test('one network leaves places to others, however many it asks for', async () => {
  const passwords = await Passwords.prepare({ ...cheap, runningMax: 2, waitingMax: 8 });
  const stored = await passwords.hash(secret);
  const verified = async (network: string) => {
    const asked = Array.from({ length: 20 }, () => passwords.verify(secret, stored, network));
    const results = await Promise.allSettled(asked);
    return results.filter(({ status }) => status === 'fulfilled').length;
  };
  expect(await Promise.all([verified('one'), verified('other')])).toEqual([2 + 4, 2]);
  expect(await passwords.verify(secret, stored, 'one')).toBe(true);
});

test('a hash made at another cost still verifies', async () => {
  const stored = await (await Passwords.prepare({ ...cheap, memoryKib: 128, passes: 3 })).hash(
    secret,
  );
  const passwords = await Passwords.prepare(cheap);
  expect(await passwords.verify(secret, stored)).toBe(true);
  expect(await passwords.verify(Buffer.from('wrong horse'), stored)).toBe(false);
});

describe('a user that there is not', () => {
  test('is verified by no password', async () => {
    const passwords = await Passwords.prepare(cheap);
    expect(await passwords.verify(secret, undefined)).toBe(false);
  });

  test('costs as much work as one that there is', async () => {
    const passwords = await Passwords.prepare({ ...cheap, memoryKib: 4_096, passes: 2 });
    const stored = await passwords.hash(secret);
    const timeOf = async (hash: string | undefined) => {
      const begun = performance.now();
      await passwords.verify(Buffer.from('wrong horse'), hash);
      return performance.now() - begun;
    };
    let [known, unknown] = [Infinity, Infinity];
    // In turns, and the best of each: what else the machine does only adds.
    for (let run = 0; run < 30; run += 1) {
      known = Math.min(known, await timeOf(stored));
      unknown = Math.min(unknown, await timeOf(undefined));
    }
    expect(unknown / known).toBeGreaterThan(0.5);
    expect(unknown / known).toBeLessThan(2);
  });
});
