// Connections to servers. The agent hands a socket to a request only when it is connected, so "no
// socket yet" means that no byte of the request has left, and another server may be asked without
// repeating anything. Idle sockets are dropped long before a server would close them: a request
// sent into a connection that is just being closed could not be told from one that was processed.

import { Agent, type ClientRequestArgs } from 'node:http';
import { connect, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';

const CONNECT_TIMEOUT_MS = 1_000;
/** Servers keep idle connections for over a minute. */
const IDLE_MS = 4_000;

type Done = (error: Error | null, socket: Duplex) => void;

export class ConnectedAgent extends Agent {
  constructor() {
    super({ keepAlive: true, timeout: IDLE_MS, maxFreeSockets: 64 });
  }

  override createConnection(options: ClientRequestArgs, done?: Done): undefined {
    const port = Number(options.port);
    const socket = connect({ host: options.hostname ?? '127.0.0.1', port, noDelay: true });
    whenConnected(socket, (error) => done?.(error, socket));
  }
}

/** Carries one request over a socket that is connected already. */
export class SocketAgent extends Agent {
  readonly #socket: Socket;

  constructor(socket: Socket) {
    super();
    this.#socket = socket;
  }

  override createConnection(): Socket {
    return this.#socket;
  }
}

export async function connected(url: URL): Promise<Socket> {
  const socket = connect({ host: url.hostname, port: Number(url.port), noDelay: true });
  await new Promise<void>((resolve, reject) => {
    whenConnected(socket, (error) => (error === null ? resolve() : reject(error)));
  });
  return socket;
}

function whenConnected(socket: Socket, done: (error: Error | null) => void): void {
  const tooLate = () => socket.destroy(new Error('The connection was not accepted in time'));
  const timer = setTimeout(tooLate, CONNECT_TIMEOUT_MS);
  const onConnect = () => {
    clearTimeout(timer);
    socket.off('error', onError);
    done(null);
  };
  const onError = (error: Error) => {
    clearTimeout(timer);
    socket.off('connect', onConnect);
    done(error);
  };
  socket.once('connect', onConnect);
  socket.once('error', onError);
}
