// Header fields at the border. What concerns one hop stays on it (RFC 9110 section 7.6.1), what
// clients claim about where they come from is replaced by what the gateway sees (RFC 7239), and the
// gateway's own cookie is read and taken out before a server sees it.

import { randomUUID } from 'node:crypto';
import type { IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http';

const COOKIE = 'sessionlab_affinity';

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
const IMPLEMENTATION = ['server', 'x-powered-by', 'via'];

export interface Arrival {
  readonly requestId: string;
  readonly stuckTo: string | undefined;
}

/** Makes the fields fit to be forwarded, in place, and tells what the gateway needs of them. */
export function receive(fields: IncomingHttpHeaders, address: string): Arrival {
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
  fields['x-forwarded-proto'] = 'http';
  fields['x-forwarded-host'] = host;
  fields.forwarded = `for=${node(address)};host=${quoted(host)};proto=http`;
  const requestId = acceptable(fields['x-request-id']) ?? randomUUID();
  fields['x-request-id'] = requestId;
  return { requestId, stuckTo: takeAffinity(fields) };
}

/** The fields of a server's answer as the client gets them. */
export function answerFields(fields: IncomingHttpHeaders): OutgoingHttpHeaders {
  const forwarded = { ...fields };
  removeHopByHop(forwarded);
  for (const name of IMPLEMENTATION) delete forwarded[name];
  // Node frames the answer itself, as the client's version of HTTP needs it.
  delete forwarded['transfer-encoding'];
  return forwarded;
}

export function affinityCookie(server: string): string {
  return `${COOKIE}=${server}; Path=/; HttpOnly; SameSite=Lax`;
}

function removeHopByHop(fields: IncomingHttpHeaders): void {
  for (const token of (fields.connection ?? '').split(',')) {
    const name = token.trim().toLowerCase();
    if (!FRAMING.includes(name)) delete fields[name];
  }
  for (const name of HOP_BY_HOP) delete fields[name];
}

function acceptable(requestId: string | string[] | undefined): string | undefined {
  return typeof requestId === 'string' && /^[\w.-]{1,128}$/.test(requestId) ? requestId : undefined;
}

function takeAffinity(fields: IncomingHttpHeaders): string | undefined {
  if (!fields.cookie?.includes(COOKIE)) return undefined;
  const isOurs = (pair: string) => pair.startsWith(`${COOKIE}=`);
  const pairs = fields.cookie.split(';').map((pair) => pair.trim());
  const rest = pairs.filter((pair) => !isOurs(pair)).join('; ');
  if (rest === '') delete fields.cookie;
  else fields.cookie = rest;
  return pairs.find(isOurs)?.slice(COOKIE.length + 1);
}

function node(address: string): string {
  return address.includes(':') ? `"[${address}]"` : address;
}

function quoted(text: string): string {
  return `"${text.replace(/["\\]/g, '\\$&')}"`;
}
