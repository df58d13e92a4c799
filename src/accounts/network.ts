// From which network an address is, as far as guessing goes: an IPv4 address is one subscriber or
// one company; of IPv6 a subscriber is given a /64 at least, and may use every address of it.

import { isIPv6 } from 'node:net';

/** How many of the eight groups of an IPv6 address name a subscriber. */
const subscriberGroups = 4;
/** And an organisation, or a subscriber who was given much. */
const siteGroups = 3;

/** An IPv4 address, perhaps within IPv6, and perhaps with the port that some proxies write. */
const ipv4 = /^(?:::ffff:)?(\d+\.\d+\.\d+\.\d+)(?::\d+)?$/i;
const ipv6 = /^\[([^\]]*)\](?::\d+)?$/;

/** One name for all addresses of a subscriber. A text that is no address names itself. */
export function networkOf(text: string): string {
  return prefixOf(text, subscriberGroups);
}

/** One name for the many networks that an organisation has; of IPv4 it is the same. */
export function siteOf(text: string): string {
  return prefixOf(text, siteGroups);
}

function prefixOf(text: string, groupsKept: number): string {
  const short = ipv4.exec(text)?.[1];
  if (short !== undefined) return short;
  const address = ipv6.exec(text)?.[1] ?? text;
  if (!isIPv6(address)) return text;
  const [head, tail] = (address.split('%')[0] ?? '').split('::').map(groupsOf);
  const given = (head?.length ?? 0) + (tail?.length ?? 0);
  const zeros = tail === undefined ? [] : Array<number>(8 - given).fill(0);
  const groups = [...(head ?? []), ...zeros, ...(tail ?? [])].slice(0, groupsKept);
  return `${groups.map((group) => group.toString(16)).join(':')}::/${16 * groupsKept}`;
}

function groupsOf(text: string): number[] {
  if (text === '') return [];
  return text.split(':').flatMap((group) => {
    if (!group.includes('.')) return [Number.parseInt(group, 16)];
    const [a = 0, b = 0, c = 0, d = 0] = group.split('.').map(Number);
    return [a * 256 + b, c * 256 + d];
  });
}
