// What a certificate can vouch for: a host name or an IP address, each in one spelling, so that two
// names are the same exactly when their values are.

import { isIP, SocketAddress } from 'node:net';
import { domainToASCII } from 'node:url';

export interface Name {
  readonly type: 'dns' | 'ip';
  /** In lower case, as it is on the wire: `xn--bcher-kva.example`, `*.shop.test`, `::1`. */
  readonly value: string;
}

const hostName = /^(\*\.)?([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z]([a-z0-9-]{0,61}[a-z0-9])?$/;

/** Undefined for what is neither, as with a scheme or a port. */
export function parseName(text: string): Name | undefined {
  const family = isIP(text);
  if (family === 4) return { type: 'ip', value: text };
  if (family === 6 && !text.includes('%')) {
    return { type: 'ip', value: new SocketAddress({ address: text, family: 'ipv6' }).address };
  }
  const value = domainToASCII(text);
  return hostName.test(value) && value.length <= 253 ? { type: 'dns', value } : undefined;
}

/** What every certificate of ours names. */
export const loopback: readonly Name[] = [
  { type: 'dns', value: 'localhost' },
  { type: 'ip', value: '127.0.0.1' },
  { type: 'ip', value: '::1' },
];

/** Each once, in the order of their first appearance. */
export function distinct(names: readonly Name[]): readonly Name[] {
  return [...new Map(names.map((name) => [name.value, name])).values()];
}
