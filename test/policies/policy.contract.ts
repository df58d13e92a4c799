// What every policy owes a gateway: a candidate of those offered, the same ones for the same seed,
// the promise that it makes about affinity, and no server left idle or flooded.

import { describe, expect, test } from 'vitest';
import { seededRandom } from '../../src/core/random.ts';
import type { Candidate, Policy } from '../../src/policies/policy.ts';

export function servers(count: number): Candidate[] {
  return Array.from({ length: count }, (_, index) => ({ name: `s${index + 1}`, inFlight: 0 }));
}

export function addresses(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `10.1.${index >> 8}.${index & 255}`);
}

/** Each address asks once for each round, and carries the cookie if the policy sets one. */
function picks(policy: Policy, seed: string, clients: readonly string[], rounds: number) {
  const picker = policy.start(seededRandom(seed));
  const candidates = servers(5);
  const stuckTo = new Map<string, string>();
  const chosen: string[] = [];
  for (let round = 0; round < rounds; round += 1) {
    for (const address of clients) {
      const client = { address, stuckTo: stuckTo.get(address) };
      const { name } = picker.pick(candidates, client);
      if (policy.setsCookie) stuckTo.set(address, name);
      chosen.push(name);
    }
  }
  return chosen;
}

export function policyContract(name: string, policy: Policy): void {
  describe(name, () => {
    test('picks one of those offered, also when it is bound to one who is not', () => {
      const picker = policy.start(seededRandom('offer'));
      for (let count = 1; count <= 9; count += 1) {
        const candidates = servers(count);
        for (const address of addresses(50)) {
          expect(candidates).toContain(picker.pick(candidates, { address, stuckTo: 's99' }));
        }
      }
    });

    test('picks the same for the same seed', () => {
      const clients = addresses(40);
      expect(picks(policy, 'seed-1', clients, 3)).toEqual(picks(policy, 'seed-1', clients, 3));
    });

    test(`${policy.affinity ? 'keeps' : 'does not keep'} a client while the set stays`, () => {
      const clients = addresses(41);
      const chosen = picks(policy, 'affinity', clients, 4);
      const isKept = clients.every((_, client) =>
        [1, 2, 3].every((round) => chosen[client] === chosen[client + round * clients.length]),
      );
      expect(isKept).toBe(policy.affinity);
    });

    test('gives each of five servers its share of 5000 clients, within six deviations', () => {
      const chosen = picks(policy, 'balance', addresses(5_000), 1);
      const deviation = Math.sqrt(5_000 * 0.2 * 0.8);
      for (const server of servers(5)) {
        const share = chosen.filter((picked) => picked === server.name).length;
        expect(Math.abs(share - 1_000), server.name).toBeLessThan(6 * deviation);
      }
    });
  });
}
