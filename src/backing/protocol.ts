// What owners and the keeper say to each other. A lease is a connection to the keeper's port on
// the loopback address: one line of JSON asks, one line answers, and the end of the connection,
// by close or by death of the owner, is the end of the lease.
import type { Socket } from 'node:net';

/** 'own-redis' belongs to its lease alone; the other two are shared by all leases of a keeper. */
export type Want = 'postgres' | 'redis' | 'own-redis';

/** A temporary folder is removed with the last lease; a persistent one keeps its data. */
export type Life = 'temporary' | 'persistent';

export interface Service {
  readonly url: string;
  /** For people: 'PostgreSQL 18 (embedded)'. */
  readonly origin: string;
  readonly pid: number;
}

export interface Request {
  readonly secret: string;
  readonly wants: readonly Want[];
}

/** A service that this machine does not have is absent. */
export type Services = Partial<Record<Want, Service>>;

export type Answer = { readonly services: Services } | { readonly failure: string };

/** How to find a keeper: it writes this into its folder, readable by its own account alone. */
export interface Meeting {
  readonly pid: number;
  readonly port: number;
  readonly secret: string;
}

const lineCharactersMax = 65_536;

/** What the other side says first; '' when it leaves without. Keeps reading, to notice the end. */
export function firstLine(socket: Socket): Promise<string> {
  return new Promise((resolve) => {
    let heard = '';
    socket.setEncoding('utf8').on('data', (text) => {
      if (heard.length < lineCharactersMax) heard += text;
      const [line, ...rest] = heard.split('\n');
      if (line !== undefined && rest.length > 0) resolve(line);
    });
    socket.once('end', () => resolve('')).once('close', () => resolve(''));
    socket.on('error', () => undefined);
  });
}
