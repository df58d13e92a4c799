// The contract over every member, and the laws that only some of them promise.

import { describe, expect, test } from 'vitest';
import { seededRandom } from '../../src/core/random.ts';
import { clientHash } from '../../src/policies/client-hash.ts';
import { consistentHash } from '../../src/policies/consistent-hash.ts';
import * as policies from '../../src/policies/index.ts';
import { leastConnections } from '../../src/policies/least-connections.ts';
import type { Candidate, Policy } from '../../src/policies/policy.ts';
import { roundRobin } from '../../src/policies/round-robin.ts';
import { stickyCookie } from '../../src/policies/sticky-cookie.ts';
import { addresses, policyContract, servers } from './policy.contract.ts';

for (const [name, policy] of Object.entries(policies)) policyContract(name, policy);

const nobody = { address: '10.0.0.1', stuckTo: undefined };

function homes(policy: Policy, candidates: readonly Candidate[]): string[] {
  const picker = policy.start(seededRandom('homes'));
  return addresses(10_000).map(
    (address) => picker.pick(candidates, { address, stuckTo: undefined }).name,
  );
}

describe.each([1, 2, 4, 9])('when a server joins %i others', (count) => {
  test('consistent-hash moves 1/(N+1) of the clients, all of them to the new one', () => {
    const old = homes(consistentHash, servers(count));
    const after = homes(consistentHash, servers(count + 1));
    const moved = after.filter((home, index) => home !== old[index]);
    expect(Math.abs(moved.length / old.length - 1 / (count + 1))).toBeLessThan(0.02);
    expect(new Set(moved)).toEqual(new Set([`s${count + 1}`]));
  });

  test('client-hash moves N/(N+1) of the clients', () => {
    const old = homes(clientHash, servers(count));
    const after = homes(clientHash, servers(count + 1));
    const moved = after.filter((home, index) => home !== old[index]);
    expect(Math.abs(moved.length / old.length - count / (count + 1))).toBeLessThan(0.03);
  });
});

test('consistent-hash moves only the clients of the server that leaves', () => {
  const before = homes(consistentHash, servers(5));
  const after = homes(consistentHash, servers(4));
  for (const [index, home] of before.entries()) {
    if (home !== 's5') expect(after[index]).toBe(home);
  }
});

test('consistent-hash does not care in which order the servers are told', () => {
  expect(homes(consistentHash, servers(5).reverse())).toEqual(homes(consistentHash, servers(5)));
});

test('round-robin gives every server its turn before any has a second', () => {
  const picker = roundRobin.start(seededRandom('turns'));
  const turns = Array.from({ length: 6 }, () => picker.pick(servers(3), nobody).name);
  expect(turns).toEqual(['s1', 's2', 's3', 's1', 's2', 's3']);
});

test.each([
  ['least-connections', leastConnections],
  ['sticky-cookie', stickyCookie],
])('%s gives a newcomer the server with the fewest requests', (_, policy) => {
  const picker = policy.start(seededRandom('busy'));
  const candidates = servers(4).map((server, index) => ({
    ...server,
    inFlight: [3, 1, 2, 1][index] ?? 0,
  }));
  const chosen = Array.from({ length: 60 }, () => picker.pick(candidates, nobody).name);
  expect(new Set(chosen)).toEqual(new Set(['s2', 's4']));
});

test('sticky-cookie follows the cookie to a server however busy it is', () => {
  const picker = stickyCookie.start(seededRandom('bound'));
  const candidates = [
    { name: 's1', inFlight: 0 },
    { name: 's2', inFlight: 900 },
  ];
  expect(picker.pick(candidates, { address: '10.0.0.1', stuckTo: 's2' }).name).toBe('s2');
});
