// Whom a site may be called: the hosts that its certificate names. Who comes in the clear is sent
// to TLS under the name they came with, and to no other: a `Host` field that somebody else chose
// must not lead people to that somebody.

import { X509Certificate } from 'node:crypto';
import { SocketAddress } from 'node:net';

/** As a `Host` field has them, in lower case: `shop.test`, `*.shop.test`, `127.0.0.1`, `[::1]`. */
export function hostsOf(certificate: Buffer): readonly string[] {
  const { subjectAltName = '' } = new X509Certificate(certificate);
  const names = [...subjectAltName.matchAll(/(?:^|, )(DNS|IP Address):([\w.*:-]+)(?=,|$)/g)];
  return names.map(([, kind, name = '']) =>
    kind === 'DNS' || !name.includes(':')
      ? name.toLowerCase()
      : `[${new SocketAddress({ address: name, family: 'ipv6' }).address}]`,
  );
}

/** The authority of an https URL (RFC 3986) for a `Host` field, undefined if it is not of ours. */
export function secureAuthority(
  host: string | undefined,
  port: number,
  hosts: readonly string[],
): string | undefined {
  const name = /^([\w.-]+|\[[\da-f:.]+\])(:\d*)?$/i.exec(host ?? '')?.[1]?.toLowerCase();
  if (name === undefined) return undefined;
  const wildcard = name.replace(/^[^.]*/, '*');
  if (!hosts.includes(name) && !hosts.includes(wildcard)) return undefined;
  return port === 443 ? name : `${name}:${port}`;
}
