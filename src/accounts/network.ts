// From which network an address is, as far as guessing goes: an IPv4 address is one subscriber or
// one company; of IPv6 a subscriber is given a /64 at least, and may use every address of it.

import { isIPv6 } from 'node:net';

const subscriberGroups = 4;

/** One name for all addresses of a subscriber. A text that is no address names itself. */
export function networkOf(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped !== undefined) return mapped;
  if (!isIPv6(address)) return address;
  const [head, tail] = (address.split('%')[0] ?? '').split('::').map(groupsOf);
  const given = (head?.length ?? 0) + (tail?.length ?? 0);
  const zeros = tail === undefined ? [] : Array<number>(8 - given).fill(0);
  const groups = [...(head ?? []), ...zeros, ...(tail ?? [])].slice(0, subscriberGroups);
  return `${groups.map((group) => group.toString(16)).join(':')}::/64`;
}

function groupsOf(text: string): number[] {
  if (text === '') return [];
  return text.split(':').flatMap((group) => {
    if (!group.includes('.')) return [Number.parseInt(group, 16)];
    const [a = 0, b = 0, c = 0, d = 0] = group.split('.').map(Number);
    return [a * 256 + b, c * 256 + d];
  });
}
