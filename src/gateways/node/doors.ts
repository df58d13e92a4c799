// Where the gateway listens: in the clear and, if there is a certificate, over TLS, with one and
// the same handling behind both.

import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import { ciphers, patience, sizes } from '../border.ts';
import type { Listening } from '../gateway.ts';
import { hostsOf, secureAuthority } from '../hosts.ts';
import { type Doorkeeper, handle } from './front.ts';
import type { Parts } from './journey.ts';

export interface Doors {
  readonly port: number;
  readonly tlsPort: number | undefined;
  /** Reads the certificate anew; connections that are open keep the old one. */
  reload(): Promise<void>;
  /** Resolves when everything in flight is answered; what is not within this time is cut off. */
  close(withinMs: number): Promise<void>;
}

type Tls = NonNullable<Listening['tls']>;

const settings = {
  headersTimeout: patience.headersMs,
  requestTimeout: patience.requestMs,
  keepAliveTimeout: patience.keepAliveMs,
  maxHeaderSize: sizes.headerBytesMax,
  connectionsCheckingInterval: 1_000,
  noDelay: true,
  // Its absence is answered as everything else is.
  requireHostHeader: false,
  shouldUpgradeCallback: (request: IncomingMessage) =>
    request.headers.upgrade?.toLowerCase() === 'websocket',
};

export async function openDoors(listening: Listening, parts: Parts): Promise<Doors> {
  const { address = '127.0.0.1', port, tls, inTheClear = 'everything' } = listening;
  const clear = createServer(settings);
  let secured = tls && (await certificate(tls));
  const encrypted = secured && createTlsServer({ ...settings, ...secured });
  if (tls && encrypted) {
    handle(encrypted, parts);
    await listen(encrypted, tls.port, address);
  }
  const tlsPort = encrypted && portOf(encrypted);
  const shown = tls?.publicPort ?? tlsPort ?? 443;
  const toTls: Doorkeeper = ({ method, url = '', headers }) => {
    if (method === 'GET' && /^[^?]*\/health$/.test(url)) return undefined;
    const authority = secureAuthority(headers.host, shown, secured?.hosts ?? []);
    return authority === undefined ? null : `https://${authority}${url}`;
  };
  handle(clear, parts, tls && inTheClear === 'health' ? toTls : undefined);
  await listen(clear, port, address);
  const servers = encrypted ? [clear, encrypted] : [clear];
  const sockets = new Set<Socket>();
  for (const each of servers) {
    each.on('connection', (socket: Socket) => {
      sockets.add(socket);
      socket.once('close', () => sockets.delete(socket));
    });
  }
  return {
    port: portOf(clear),
    tlsPort,
    async reload() {
      if (!tls) return;
      const renewed = await certificate(tls);
      encrypted?.setSecureContext(renewed);
      secured = renewed;
    },
    async close(withinMs) {
      const timer = setTimeout(() => {
        for (const socket of sockets) socket.destroy();
      }, withinMs);
      await Promise.all(servers.map((each) => new Promise((resolve) => each.close(resolve))));
      clearTimeout(timer);
      // Whoever waits for the end of a connection is told in the turn after the server is.
      await turn();
    },
  };
}

async function certificate({ certFile, keyFile }: Tls) {
  const [cert, key] = await Promise.all([readFile(certFile), readFile(keyFile)]);
  const offered = [...ciphers['TLSv1.3'], ...ciphers['TLSv1.2']].join(':');
  return { cert, key, minVersion: 'TLSv1.2', ciphers: offered, hosts: hostsOf(cert) } as const;
}

async function listen(server: Server | TlsServer, port: number, address: string): Promise<void> {
  server.listen(port, address);
  await once(server, 'listening');
  server.setTimeout(patience.silenceMs);
}

function portOf(server: Server | TlsServer): number {
  return (server.address() as AddressInfo).port;
}
