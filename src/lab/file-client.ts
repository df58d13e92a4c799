// One attempt at a transfer, over a connection of its own: what was said, and what that lets us
// conclude. It tries nothing twice, for a history must show every attempt; what an attempt left
// behind, the next one under the same name goes on with. The digest of what arrives is its own, so
// that a server that lies about one is found out.

import { createHash, hash } from 'node:crypto';
import { OperatingError } from '../core/errors.ts';
import type { Completion, SeenFile } from '../core/history.ts';
import { ClientConnection } from '../transfer/client-connection.ts';
import type { Carried } from './jar.ts';

/** Longer than faults last, so that a busy machine is not taken for a silent server. */
const patienceMs = 5_000;
/** Small, so that a cut is seldom between two of them. */
const pieceBytes = 16 * 1024;

export type Asked =
  | { readonly f: 'send'; readonly name: string; readonly content: Buffer }
  | { readonly f: 'list' }
  | { readonly f: 'fetch'; readonly id: string };

export type Told = Pick<Completion, 't' | 'status' | 'seen' | 'from' | 'reason' | 'retryAfter'>;

/** The name comes first, so that no two are alike; the rest is noise, as text. */
export function contentOf(name: string, bytes: number): Buffer {
  const outputLength = Math.ceil((bytes * 3) / 4);
  const noise = createHash('shake256', { outputLength }).update(`${name} ${bytes}`);
  return Buffer.from(`${name}\n${noise.digest('base64')}`.slice(0, bytes));
}

/** @param url tcp://host:port */
export async function transfer(url: string, who: Carried, asked: Asked): Promise<Told> {
  const { hostname: host, port } = new URL(url);
  const [field, value] = who.header;
  const attempt = new Attempt();
  try {
    const door = { host, port: Number(port), patienceMs };
    using connection = await ClientConnection.open(door, { field, value });
    return await attempt.make(connection, asked);
  } catch (error) {
    if (error instanceof OperatingError) return attempt.conclude(error);
    throw error;
  }
}

class Attempt {
  #user = '';
  /** From here on the file may be stored. */
  #hasSentAll = false;
  #from: number | undefined;

  async make(connection: ClientConnection, asked: Asked): Promise<Told> {
    this.#user = connection.user;
    return this.#saw(await this.#files(connection, asked), 200);
  }

  conclude({ code, status, retryAfterSeconds }: OperatingError): Told {
    if (code === 'not-authenticated') return { t: 'ok', status, seen: { user: null } };
    if (code === 'not-found') return this.#saw([], status);
    const nobodySaid = code === 'transfer-lost' || code === 'no-server';
    return {
      t: this.#hasSentAll ? 'info' : 'fail',
      status: nobodySaid ? null : status,
      reason: code,
      ...(retryAfterSeconds !== undefined && { retryAfter: true }),
    };
  }

  #saw(files: readonly SeenFile[], status: number): Told {
    const from = this.#from === undefined ? {} : { from: this.#from };
    return { t: 'ok', status, seen: { user: this.#user, files }, ...from };
  }

  async #files(connection: ClientConnection, asked: Asked): Promise<readonly SeenFile[]> {
    if (asked.f === 'list') return list(connection);
    if (asked.f === 'fetch') return [await fetched(connection, asked.id)];
    return [await this.#send(connection, asked)];
  }

  async #send(
    connection: ClientConnection,
    { name, content }: Extract<Asked, { f: 'send' }>,
  ): Promise<SeenFile> {
    const bytes = content.length;
    const upload = hash('sha256', name).slice(0, 32);
    connection.say({ kind: 'put', upload, bytes, name, claimedType: '' });
    const { offset, sha256 } = await connection.expect('have');
    if (hash('sha256', content.subarray(0, offset)) !== sha256) {
      throw new OperatingError('upload-conflict');
    }
    this.#from = offset;
    for (let at = offset; at < bytes; at += pieceBytes) {
      const piece = content.subarray(at, at + pieceBytes);
      const sent = new Promise<void>((resolve) => {
        connection.say({ kind: 'data', offset: at, content: piece }, resolve);
      });
      await connection.unlessBroken(sent);
    }
    this.#hasSentAll = true;
    connection.say({ kind: 'end', bytes, sha256: hash('sha256', content) });
    return seen(await connection.expect('receipt'));
  }
}

async function list(connection: ClientConnection): Promise<readonly SeenFile[]> {
  connection.say({ kind: 'list' });
  const files: SeenFile[] = [];
  for (;;) {
    const frame = await connection.hear();
    if (frame.kind !== 'entry') return files;
    files.push(seen(frame));
  }
}

async function fetched(connection: ClientConnection, id: string): Promise<SeenFile> {
  connection.say({ kind: 'get', file: id, offset: 0 });
  const { file } = await connection.expect('entry');
  const arrived = createHash('sha256');
  let bytes = 0;
  for (;;) {
    const frame = await connection.hear();
    if (frame.kind !== 'data') return { id: file, bytes, sha256: arrived.digest('hex') };
    arrived.update(frame.content);
    bytes += frame.content.length;
  }
}

function seen({ file: id, bytes, sha256 }: Omit<SeenFile, 'id'> & { readonly file: string }) {
  return { id, bytes, sha256 };
}
