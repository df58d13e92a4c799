// Header fields at the border. What concerns one hop stays on it (RFC 9110 section 7.6.1), what
// clients claim about where they come from is replaced by what the gateway sees (RFC 7239), and the
// gateway's own cookies are read and taken out before a server sees them.

import { randomUUID } from 'node:crypto';
import type { IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http';
import { affinityCookieName, securityFields, strictTransport } from '../border.ts';

const AFFINITY = affinityCookieName('');

const HOP_BY_HOP = [
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'upgrade',
];
/** These frame the message: no `Connection` field may talk us into forwarding without them. */
const FRAMING = ['content-length', 'transfer-encoding', 'host'];
/** About servers, and for the gateway alone. */
const INTERNAL = ['server', 'x-powered-by', 'via', 'x-audit'];

export interface Arrival {
  readonly requestId: string;
  /** Group -> the server that the client was given in it. */
  readonly stuckTo: ReadonlyMap<string, string>;
}

/** Makes the fields fit to be forwarded, in place, and tells what the gateway needs of them. */
export function receive(
  fields: IncomingHttpHeaders,
  address: string,
  proto: 'http' | 'https',
  isOwnGroup: (name: string) => boolean,
  cookies?: readonly string[],
): Arrival {
  const host = fields.host ?? '';
  removeHopByHop(fields);
  for (const name of Object.keys(fields)) {
    if (name === 'forwarded' || name === 'x-real-ip' || name.startsWith('x-forwarded-')) {
      delete fields[name];
    }
  }
  // Node has already told the client to continue.
  delete fields.expect;
  fields['x-forwarded-for'] = address;
  fields['x-forwarded-proto'] = proto;
  fields['x-forwarded-host'] = host;
  fields.forwarded = `for=${node(address)};host=${quoted(host)};proto=${proto}`;
  // Never a client's own: two requests with one id could not be told apart in a log.
  const requestId = randomUUID();
  fields['x-request-id'] = requestId;
  const stuckTo = takeAffinity(fields, isOwnGroup);
  if (cookies !== undefined) keepCookies(fields, cookies);
  return { requestId, stuckTo };
}

/** The fields of a server's answer as the client gets them. */
export function answerFields(fields: IncomingHttpHeaders): OutgoingHttpHeaders {
  const forwarded = { ...fields };
  removeHopByHop(forwarded);
  for (const name of INTERNAL) delete forwarded[name];
  // Node frames the answer itself, as the client's version of HTTP needs it.
  delete forwarded['transfer-encoding'];
  return forwarded;
}

export function affinityCookie(group: string, server: string, isSecure: boolean): string {
  const secure = isSecure ? '; Secure' : '';
  return `${affinityCookieName(group)}=${server}; Path=/; HttpOnly; SameSite=Lax${secure}`;
}

/** What every answer carries. */
export function ownFields(requestId: string, isSecure: boolean): OutgoingHttpHeaders {
  const own: OutgoingHttpHeaders = { ...securityFields, 'x-request-id': requestId };
  if (isSecure) own['strict-transport-security'] = strictTransport;
  return own;
}

function removeHopByHop(fields: IncomingHttpHeaders): void {
  for (const token of (fields.connection ?? '').split(',')) {
    const name = token.trim().toLowerCase();
    if (!FRAMING.includes(name)) delete fields[name];
  }
  for (const name of HOP_BY_HOP) delete fields[name];
}

/** Of two cookies for one group the first counts. Those of a gateway behind this one stay. */
function takeAffinity(
  fields: IncomingHttpHeaders,
  isOwnGroup: (name: string) => boolean,
): ReadonlyMap<string, string> {
  if (!fields.cookie?.includes(AFFINITY)) return new Map();
  const isOurs = (pair: string) =>
    pair.startsWith(AFFINITY) && isOwnGroup(pair.slice(AFFINITY.length).split('=')[0] ?? '');
  const pairs = fields.cookie.split(';').map((pair) => pair.trim());
  const rest = pairs.filter((pair) => !isOurs(pair)).join('; ');
  if (rest === '') delete fields.cookie;
  else fields.cookie = rest;
  const ours = pairs.filter(isOurs).map((pair) => pair.slice(AFFINITY.length).split('='));
  return new Map(ours.reverse().map(([group = '', server = '']) => [group, server]));
}

function keepCookies(fields: IncomingHttpHeaders, names: readonly string[]): void {
  const pairs = fields.cookie?.split(';').map((pair) => pair.trim()) ?? [];
  const kept = names.flatMap((name) => pairs.find((pair) => pair.startsWith(`${name}=`)) ?? []);
  if (kept.length === 0) delete fields.cookie;
  else fields.cookie = kept.join('; ');
}

function node(address: string): string {
  return address.includes(':') ? `"[${address}]"` : address;
}

function quoted(text: string): string {
  return `"${text.replace(/["\\]/g, '\\$&')}"`;
}
