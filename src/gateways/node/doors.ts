// Where the gateway listens: in the clear and, if there is a certificate, over TLS, with one and the
// same handling behind both.

import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { patience, sizes } from '../border.ts';
import type { Listening } from '../gateway.ts';
import { ownFields } from './fields.ts';
import { handle } from './front.ts';
import type { Parts } from './journey.ts';

export interface Doors {
  readonly port: number;
  readonly tlsPort: number | undefined;
  /** Reads the certificate anew; connections that are open keep the old one. */
  reload(): Promise<void>;
  /** Resolves when everything in flight is answered. */
  close(): Promise<void>;
}

type Tls = NonNullable<Listening['tls']>;

const settings = {
  headersTimeout: patience.headersMs,
  requestTimeout: patience.requestMs,
  keepAliveTimeout: patience.keepAliveMs,
  maxHeaderSize: sizes.headerBytesMax,
  connectionsCheckingInterval: 1_000,
  noDelay: true,
  shouldUpgradeCallback: (request: IncomingMessage) =>
    request.headers.upgrade?.toLowerCase() === 'websocket',
};

export async function openDoors(listening: Listening, parts: Parts): Promise<Doors> {
  const { address = '127.0.0.1', port, tls, inTheClear = 'everything' } = listening;
  const clear = createServer(settings);
  const encrypted = tls && createTlsServer({ ...settings, ...(await certificate(tls)) });
  if (encrypted) {
    handle(encrypted, parts);
    await listen(encrypted, tls.port, address);
  }
  const tlsPort = encrypted && portOf(encrypted);
  const shown = tls?.publicPort ?? tlsPort;
  handle(clear, parts, inTheClear === 'health' ? (...visit) => toTls(shown, ...visit) : undefined);
  await listen(clear, port, address);
  const servers = encrypted ? [clear, encrypted] : [clear];
  return {
    port: portOf(clear),
    tlsPort,
    async reload() {
      if (tls) encrypted?.setSecureContext(await certificate(tls));
    },
    async close() {
      await Promise.all(servers.map((each) => new Promise((resolve) => each.close(resolve))));
    },
  };
}

async function certificate({ certFile, keyFile }: Tls) {
  const [cert, key] = await Promise.all([readFile(certFile), readFile(keyFile)]);
  return { cert, key, minVersion: 'TLSv1.2' } as const;
}

async function listen(server: Server | TlsServer, port: number, address: string): Promise<void> {
  server.listen(port, address);
  await once(server, 'listening');
  server.setTimeout(patience.silenceMs);
}

function portOf(server: Server | TlsServer): number {
  return (server.address() as AddressInfo).port;
}

/** True when the request was answered: it may go on in the clear only to ask after health. */
function toTls(
  port: number | undefined,
  request: IncomingMessage,
  response: ServerResponse,
): boolean {
  const { method, url = '', headers } = request;
  if (method === 'GET' && /^[^?]*\/health$/.test(url)) return false;
  const host = /^[\w.-]+|^\[[\da-f:.]+\]/i.exec(headers.host ?? '')?.[0];
  if (host === undefined || !url.startsWith('/')) return false;
  const authority = port === 443 ? host : `${host}:${port}`;
  const location = `https://${authority}${url}`;
  response.writeHead(308, { ...ownFields('-', false), location, 'content-length': 0 }).end();
  request.resume();
  return true;
}
