// What the tests of the client stand on: a real transfer server over a real vault, for users whose
// credential is their name, and a way to it that breaks where it is told to.

import { mkdtempDisposable } from 'node:fs/promises';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { OperatingError } from '../../src/core/errors.ts';
import { anonymous } from '../../src/core/recognition.ts';
import type { Session } from '../../src/core/session.ts';
import { connectTransfer, type TransferOptions } from '../../src/transfer/client.ts';
import {
  openTransferServer,
  type TransferServer,
  type TransferServerOptions,
} from '../../src/transfer/server.ts';
import type { Surroundings } from '../../src/transfer/surroundings.ts';
import { openVault, type Vault } from '../../src/transfer/vault.ts';

export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtempDisposable(join(tmpdir(), 'transfer-client-'));
  onTestFinished(() => folder[Symbol.asyncDispose]());
  return folder.path;
}

export interface Ground {
  readonly folder?: string;
  readonly surroundings?: Partial<Surroundings>;
}

export interface TestServer {
  readonly url: string;
  readonly port: number;
  readonly vault: Vault;
  readonly server: TransferServer;
  /** Ends the sessions of all who are there. */
  endSessions(): void;
}

type Changes = Partial<Omit<TransferServerOptions, 'surroundings'>>;

export async function startServer({
  surroundings = {},
  ...options
}: Changes & Ground = {}): Promise<TestServer & AsyncDisposable> {
  const folder = options.folder ?? (await temporaryFolder());
  const gibibyte = 1024 ** 3;
  const limits = { bytesMax: gibibyte, userBytesMax: gibibyte, fileBytesMax: gibibyte };
  const vault = await openVault({ folder, ...limits, mismatch: 'octet-stream' });
  const watched = new Set<(how: 'ended') => void>();
  const server = await openTransferServer({
    ...{ vault, host: '127.0.0.1', port: 0, anonymous: true, fileBytesMax: gibibyte },
    ...{ helloMs: 5_000, idleMs: 10_000, totalMs: 60_000, rateMin: 1 },
    ...{ connectionsMax: 100, addressMax: 100 },
    surroundings: {
      identify: async ({ authorization }) => {
        const [, name] = /^Bearer (\w+)$/.exec(String(authorization)) ?? [];
        if (name === undefined) return anonymous(authorization ? 'malformed' : 'no-credential');
        return { kind: 'recognised', session: sessionOf(name) };
      },
      whileSessionLives: (_session, onEnd) => {
        watched.add(onEnd);
        return { used: () => undefined, [Symbol.dispose]: () => void watched.delete(onEnd) };
      },
      canRecord: () => true,
      record: async () => undefined,
      note: () => undefined,
      trouble: (error) => {
        if (!(error instanceof OperatingError)) throw error;
      },
      tally: { bytesIn: 0, bytesOut: 0, transfer: () => undefined },
      ...surroundings,
    },
    ...options,
  });
  let isOpen = true;
  const close = async () => {
    if (!isOpen) return;
    isOpen = false;
    server.breakOff();
    await server[Symbol.asyncDispose]();
    await vault[Symbol.asyncDispose]();
  };
  onTestFinished(close);
  return {
    ...{ url: server.url, port: Number(new URL(server.url).port), vault, server },
    endSessions: () => {
      for (const each of watched) each('ended');
    },
    [Symbol.asyncDispose]: close,
  };
}

function sessionOf(name: string): Session {
  const never = Date.now() + 3_600_000;
  return {
    ...{ id: `session-of-${name}`, handle: `handle-of-${name}`, userId: `id-${name}` },
    ...{ userName: name, createdAt: 0, lastSeenAt: 0, authenticatedAt: 0, rotatedAt: 0 },
    ...{ absoluteExpiresAt: never, idleExpiresAt: never, fields: {} },
    ...{ revision: 1, epoch: 0, dataVersion: 1 },
  };
}

export async function clientOf(port: number, user?: string, options: TransferOptions = {}) {
  const credential = { field: 'authorization', value: `Bearer ${user}` } as const;
  const client = await connectTransfer({ port, ...(user && { credential }), ...options });
  onTestFinished(() => client[Symbol.asyncDispose]());
  return client;
}

/** How many bytes get through on one connection, each way, before it breaks. */
export interface Break {
  readonly up?: number;
  readonly down?: number;
  /** It does not break then, but nothing more gets through. */
  readonly holds?: true;
}

/** A way to a server whose first connections break; the others hold. */
export async function breakingWay(to: number, breaks: readonly Break[]) {
  const way = { port: 0, connections: 0, target: to, bytesUp: 0 };
  const sockets = new Set<Socket>();
  const server = createServer((near) => {
    const { up = Infinity, down = Infinity, holds } = breaks[way.connections] ?? {};
    way.connections += 1;
    const far = connect(way.target, '127.0.0.1');
    const cut = () => {
      near.destroy();
      far.destroy();
    };
    for (const each of [near, far]) sockets.add(each.on('error', cut).on('close', cut));
    const end = holds ? () => undefined : cut;
    near.on('data', (chunk) => {
      way.bytesUp += chunk.length;
    });
    carry(near, far, up, end);
    carry(far, near, down, end);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  way.port = (server.address() as AddressInfo).port;
  onTestFinished(() => {
    server.close();
    for (const each of sockets) each.destroy();
  });
  return way;
}

function carry(from: Socket, to: Socket, bytesMax: number, cut: () => void): void {
  let left = bytesMax;
  from.on('data', (chunk: Buffer) => {
    const part = chunk.subarray(0, Math.min(left, chunk.length));
    left -= part.length;
    if (left === 0) from.pause();
    if (!to.write(part, left === 0 ? () => setImmediate(cut) : undefined) && left > 0) {
      from.pause();
      to.once('drain', () => from.resume());
    }
  });
}
