// Asking a gateway as a client that hides nothing: fields as they are, a fresh connection each
// time.

import {
  type Agent,
  request as httpRequest,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
} from 'node:http';
import { request as httpsRequest } from 'node:https';
import { connect, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';
import type { Seen } from './upstream.ts';

export interface Answer {
  readonly status: number;
  readonly fields: IncomingHttpHeaders;
  readonly body: string;
}

export interface Question {
  readonly method?: string;
  readonly fields?: OutgoingHttpHeaders;
  readonly body?: string;
  readonly localAddress?: string;
  /** Whose connections are used; absent: a fresh one. */
  readonly agent?: Agent;
  /** For https: whom to trust, and what to agree to. */
  readonly tls?: ConnectionOptions;
}

/** Rejects when the answer breaks off. */
export function ask(url: string, question: Question = {}): Promise<Answer> {
  const { method = 'GET', body, localAddress = '127.0.0.1', agent = false } = question;
  const fields = { ...question.fields };
  // Node does not frame the body of a GET by itself.
  if (body !== undefined && fields['transfer-encoding'] === undefined) {
    fields['content-length'] = Buffer.byteLength(body);
  }
  return new Promise((resolve, reject) => {
    const options = { ...question.tls, method, headers: fields, agent, localAddress };
    const request = requesting(url)(url, options, (response) => {
      const { statusCode: status = 0, headers } = response;
      text(response).then((whole) => resolve({ status, fields: headers, body: whole }), reject);
    });
    request.on('error', reject);
    request.end(body);
  });
}

/** What the server saw, by its own account. */
export async function see(url: string, question?: Question): Promise<Seen> {
  const { status, body } = await ask(url, question);
  if (status !== 200) throw new Error(`${status} ${body}`);
  return JSON.parse(body) as Seen;
}

/** The bytes that come back for these bytes, until the other side closes. */
export async function converse(
  url: string,
  bytes: string,
  tls?: ConnectionOptions,
): Promise<string> {
  const { hostname, port } = new URL(url);
  const where = { host: hostname, port: Number(port) };
  const socket = tls ? connectTls({ ...tls, ...where }) : connect(where);
  socket.write(bytes);
  return await text(socket);
}

export interface Upgraded {
  readonly socket: Socket;
  readonly fields: IncomingHttpHeaders;
}

/** Opens a WebSocket as far as the handshake; resolves with the answer when it is refused. */
export function upgrade(
  url: string,
  fields: OutgoingHttpHeaders = {},
  tls: ConnectionOptions = {},
): Promise<Upgraded | Answer> {
  const headers = {
    connection: 'Upgrade',
    upgrade: 'websocket',
    'sec-websocket-version': '13',
    'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
    ...fields,
  };
  return new Promise((resolve, reject) => {
    const request = requesting(url)(url, { ...tls, headers, agent: false });
    request.on('upgrade', (response, socket: Socket, head) => {
      socket.unshift(head);
      socket.on('error', () => undefined);
      resolve({ socket, fields: response.headers });
    });
    request.on('response', (response) => {
      const { statusCode: status = 0, headers: received } = response;
      text(response).then((body) => resolve({ status, fields: received, body }), reject);
    });
    request.on('error', reject);
    request.end();
  });
}

function requesting(url: string) {
  return url.startsWith('https:') ? httpsRequest : httpRequest;
}
