// Mutated tokens, none of which is accepted. `npm run fuzz` tries as many as one likes.

import { expect, test } from 'vitest';
import { attack } from './token-attack.ts';
import { mutations } from './token-mutations.ts';

test('no mutant of a token is accepted, and none that is too long reaches the cryptography [ASVS 9.1.1] [ASVS 9.1.2] [ASVS 9.1.3]', async () => {
  const result = await attack(100_000, 'a mutant for every test');
  expect(result.accepted).toEqual([]);
  expect(result.overlong).toBeGreaterThan(1_000);
  expect(result.overlongReachedCrypto).toBe(0);
  expect(result.reachedCrypto).toBeGreaterThan(1_000);
  expect(Object.keys(result.byFamily).sort()).toEqual(Object.keys(mutations).sort());
});
