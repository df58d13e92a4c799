// Servers that are found by name come and go with the addresses of the name.

import { expect, test, vi } from 'vitest';
import { Discoverer, type LookUp } from '../../src/gateways/discovery.ts';

const discovery = { group: 'shared', host: 'shared.internal', port: 3000 };

function discoverer(...rounds: readonly (readonly string[] | 'nobody answers')[]): Discoverer {
  const waiting = [...rounds];
  const lookUp: LookUp = async () => {
    const round = waiting.shift();
    if (round === undefined || round === 'nobody answers') throw new Error('EAI_AGAIN');
    return round.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));
  };
  return new Discoverer(discovery, lookUp);
}

async function urls(from: Discoverer): Promise<readonly string[] | undefined> {
  return (await from.changed())?.map(({ url }) => url);
}

test('a change is told once, whatever the order of the addresses', async () => {
  const from = discoverer(['10.0.0.2', '10.0.0.1'], ['10.0.0.1', '10.0.0.2'], ['10.0.0.2', '::1']);
  expect(await urls(from)).toEqual(['http://10.0.0.1:3000', 'http://10.0.0.2:3000']);
  expect(await urls(from)).toBeUndefined();
  expect(await urls(from)).toEqual(['http://10.0.0.2:3000', 'http://[::1]:3000']);
});

test('a name server that is down, or knows nobody, takes nobody away', async () => {
  const from = discoverer(['10.0.0.1'], 'nobody answers', [], ['10.0.0.1']);
  expect(await urls(from)).toHaveLength(1);
  for (let turn = 0; turn < 3; turn += 1) expect(await urls(from)).toBeUndefined();
});

test('a change that was not taken is told again, until it is', async () => {
  const ending = new AbortController();
  const told: (readonly string[])[] = [];
  const answers = [false, false, true];
  const found = async (_: string, upstreams: readonly { url: string }[]) => {
    told.push(upstreams.map(({ url }) => url));
    return answers.shift() ?? true;
  };
  const rounds = Array.from({ length: 4 }, () => ['10.0.0.1']);
  const following = discoverer(...rounds, ['10.0.0.2']).follow(found, ending.signal);
  const [first, second] = ['http://10.0.0.1:3000', 'http://10.0.0.2:3000'];
  const all = [[first], [first], [first], [second]];
  await vi.waitFor(() => expect(told).toEqual(all), { timeout: 15_000 });
  ending.abort();
  await following;
});

test('a server has the same name as long as it has the same address, and does not say it', async () => {
  const from = discoverer(['10.0.0.1'], ['10.0.0.1', '10.0.0.2']);
  const [before] = (await from.changed()) ?? [];
  const [after, other] = (await from.changed()) ?? [];
  expect(after).toEqual(before);
  expect(other?.name).not.toBe(after?.name);
  expect(before?.name).toMatch(/^shared-[\da-f]{8}$/);
});
