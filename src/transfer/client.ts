// Files to and from a transfer server, for programs. What was begun is brought to an end: when a
// connection breaks, another one goes on where the server has it, and a lost receipt is asked for
// again. So an answer is given exactly once, whatever happens between; only who has run out of
// attempts is told `transfer-lost`, and does not know. Several things at a time go over several
// connections. The protocol is in PROTOCOL.md.

import { hash, randomUUID } from 'node:crypto';
import { realpath } from 'node:fs/promises';
import { basename } from 'node:path';
import type { Writable } from 'node:stream';
import { OperatingError } from '../core/errors.ts';
import type { ClientConnection } from './client-connection.ts';
import { Line, type TransferOptions } from './client-line.ts';
import { displayName } from './display-name.ts';
import type { FrameOf } from './frame.ts';
import { type Incoming, IncomingFile, IncomingStream } from './incoming.ts';
import { type Outgoing, OutgoingFile, OutgoingStream } from './outgoing.ts';
import { printable } from './printable.ts';

export type { TransferCredential } from './client-connection.ts';
export type { TransferOptions };

/** A file that is stored. What a person might read is safe to show and to use as a file name. */
export interface StoredFile {
  readonly id: string;
  readonly name: string;
  /** Found by content: a MIME type, with the charset of a text. */
  readonly type: string;
  readonly bytes: number;
  /** In hex. */
  readonly sha256: string;
  /** Milliseconds since the Unix epoch. */
  readonly storedAt: number;
  /** A user name; empty: nobody's in particular. */
  readonly owner: string;
}

export interface TransferProgress {
  /** Bytes that have left, or have been written. */
  readonly done: number;
  /** null: not known before the end. */
  readonly bytes: number | null;
  /** How many of them were there already, when the connection went on. */
  readonly resumed: number;
}

export interface SendOptions {
  /** Default: the file's own; a stream must have one. */
  readonly name?: string;
  /** What you hold it for: a MIME type. The server looks at the content all the same. */
  readonly type?: string;
  /** Of a stream, where it is known. */
  readonly bytes?: number;
  readonly onProgress?: (progress: TransferProgress) => void;
}

export interface ReceiveOptions {
  /** A path, which gets the file once it is whole; or a stream, which sees it as it comes. */
  readonly to: string | Writable;
  /** Replace what is there. Default: false. */
  readonly overwrite?: boolean;
  readonly onProgress?: (progress: TransferProgress) => void;
}

export interface TransferClient extends AsyncDisposable {
  /** As whom the server knows you; empty: as nobody. */
  readonly user: string;
  /** No file may be larger. */
  readonly fileBytesMax: number;
  /**
   * Sends a file, or a stream. The same file under the same name is stored once, however often it
   * is sent, and goes on where an earlier process was cut off. In a stream one can go back by 16
   * MiB: after a cut it goes on where no more was lost. What it gave must not change.
   *
   * @throws OperatingError `file-unavailable` (it cannot be read, has changed meanwhile, or is a
   *   stream that does not go back so far),
   *   `file-too-large`, `quota-exceeded`, `type-mismatch`, `name-refused`, `upload-taken-over`
   *   (another process sends it), `session-ended`, `not-authenticated`, `transfer-lost`
   */
  send(source: string | AsyncIterable<Uint8Array>, options?: SendOptions): Promise<StoredFile>;
  /**
   * Receives a file and verifies it. @throws OperatingError `not-found`, `file-exists`,
   * `file-unavailable` (it cannot be written), `digest-mismatch`, `transfer-lost`
   */
  receive(id: string, options: ReceiveOptions): Promise<StoredFile>;
  /** Your own, and those shared with you; the newest last. */
  list(): Promise<readonly StoredFile[]>;
  /** @throws OperatingError `not-found`, also for what is another's */
  remove(id: string): Promise<void>;
  /** @throws OperatingError `not-found`, also for what is another's */
  share(id: string, userName: string): Promise<void>;
}

/**
 * Connects, so that a wrong address or credential shows at once.
 *
 * @throws OperatingError `no-server`, `unfit-certificate`, `not-authenticated`, `overloaded`,
 *   `invalid-request` for a credential that would travel in the clear
 */
export async function connectTransfer(options: TransferOptions = {}): Promise<TransferClient> {
  return new Client(await Line.open(options));
}

/** How many uploads of one file may have been begun with other content. */
const generationsMax = 16;

class Client implements TransferClient {
  readonly #line: Line;

  constructor(line: Line) {
    this.#line = line;
  }

  get user(): string {
    return printable(this.#line.user);
  }

  get fileBytesMax(): number {
    return this.#line.fileBytesMax;
  }

  async send(source: string | AsyncIterable<Uint8Array>, options: SendOptions = {}) {
    const { name = typeof source === 'string' ? basename(source) : '', type = '' } = options;
    checkShort('type', type);
    await using outgoing =
      typeof source === 'string'
        ? await OutgoingFile.open(source)
        : new OutgoingStream(source, options.bytes ?? null);
    const identity = await this.#identityOf(outgoing, name, type);
    for (let generation = 0; generation < generationsMax; generation += 1) {
      const put = {
        ...{ upload: uploadId(identity, generation), bytes: outgoing.bytes },
        ...{ name: displayName(name), claimedType: type },
      };
      const receipt = await this.#upload(outgoing, { kind: 'put', ...put }, options.onProgress);
      if (receipt !== undefined) return receipt;
    }
    throw new OperatingError('upload-conflict');
  }

  async receive(id: string, { to, overwrite = false, onProgress }: ReceiveOptions) {
    checkId(id);
    await using incoming =
      typeof to === 'string' ? await IncomingFile.open(to, id, overwrite) : new IncomingStream(to);
    // What is left of an earlier process may be of another file that had this id.
    for (const isLast of [false, true]) {
      const file = await this.#download(incoming, id, onProgress);
      if (file !== undefined && incoming.digest() === file.sha256) {
        await incoming.keep();
        return file;
      }
      if (!(await incoming.restart()) || isLast) break;
    }
    const detail = 'What arrived has another digest than what was stored: do not use it';
    throw new OperatingError('digest-mismatch', { detail });
  }

  async list(): Promise<readonly StoredFile[]> {
    return this.#line.persist(async (connection) => {
      connection.say({ kind: 'list' });
      const files: StoredFile[] = [];
      for (;;) {
        const frame = await connection.hear();
        if (frame.kind !== 'entry') return files;
        files.push(stored(frame));
      }
    });
  }

  async remove(id: string): Promise<void> {
    checkId(id);
    let mayBeDone = false;
    await this.#line.persist(async (connection) => {
      const before = mayBeDone;
      connection.say({ kind: 'remove', file: id });
      mayBeDone = true;
      await connection.expect('done').catch((error: unknown) => {
        const isGone = error instanceof OperatingError && error.code === 'not-found';
        if (!isGone || !before) throw error;
      });
    });
  }

  async share(id: string, userName: string): Promise<void> {
    checkId(id);
    checkShort('user name', userName);
    await this.#line.persist(async (connection) => {
      connection.say({ kind: 'share', file: id, user: userName });
      await connection.expect('done');
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#line[Symbol.dispose]();
  }

  /** Undefined: the server holds something else under this upload id. */
  async #upload(
    outgoing: Outgoing,
    put: FrameOf<'put'>,
    onProgress: SendOptions['onProgress'],
  ): Promise<StoredFile | undefined> {
    let confirmed = 0;
    const attempt = async (connection: ClientConnection) => {
      connection.say(put);
      const { offset: resumed, sha256 } = await connection.expect('have');
      const own = await outgoing.seek(resumed);
      if (own === undefined && resumed === 0) throw outOfReach();
      if (own !== sha256) return undefined;
      confirmed = Math.max(confirmed, resumed);
      const tell = (done: number) => onProgress?.({ done, bytes: put.bytes, resumed });
      tell(resumed);
      const guard = <T>(work: Promise<T>) => connection.unlessBroken(work);
      for (;;) {
        const piece = await outgoing.next(guard);
        if (piece === undefined) break;
        const { offset, bytes: content, release } = piece;
        try {
          connection.say({ kind: 'data', offset, content }, () => {
            release();
            tell(offset + content.length);
          });
        } catch (error) {
          release();
          throw error;
        }
      }
      connection.say({ kind: 'end', ...(await outgoing.finish()) });
      return stored(await connection.expect('receipt'));
    };
    return this.#line.persist(attempt, () => confirmed);
  }

  /** Undefined: what is here already cannot be the beginning of this file. */
  async #download(
    incoming: Incoming,
    id: string,
    onProgress: ReceiveOptions['onProgress'],
  ): Promise<StoredFile | undefined> {
    const attempt = async (connection: ClientConnection) => {
      const resumed = incoming.offset;
      connection.say({ kind: 'get', file: id, offset: resumed });
      const entry = await connection.expect('entry').catch((error: unknown) => {
        const isBeyond = error instanceof OperatingError && error.code === 'invalid-request';
        if (isBeyond && resumed > 0) return undefined;
        throw error;
      });
      if (entry === undefined) return undefined;
      for (;;) {
        onProgress?.({ done: incoming.offset, bytes: entry.bytes, resumed });
        const frame = await connection.hear();
        if (frame.kind !== 'data') return stored(entry);
        await incoming.write(frame.content);
      }
    };
    return this.#line.persist(attempt, () => incoming.offset);
  }

  async #identityOf(source: Outgoing, name: string, type: string): Promise<string> {
    if (!(source instanceof OutgoingFile)) return randomUUID();
    const { host, port } = this.#line.door;
    const { dev, ino, size, mtimeMs } = source.stats;
    const path = await realpath(source.path);
    return JSON.stringify([host, port, path, dev, ino, size, mtimeMs, name, type]);
  }
}

/** Who sends a file again, perhaps from another process, names the upload as before. */
function uploadId(identity: string, generation: number): string {
  return hash('sha256', `${identity} ${generation}`).slice(0, 32);
}

function stored(frame: FrameOf<'receipt' | 'entry'>): StoredFile {
  const { file: id, name, type, owner, bytes, sha256, storedAt } = frame;
  const shown = { name: displayName(name), type: printable(type), owner: printable(owner) };
  return { id, ...shown, bytes, sha256, storedAt };
}

function checkId(id: string): void {
  if (/^[0-9a-f]{32}$/.test(id)) return;
  throw new OperatingError('not-found', { detail: 'The id of a file is 32 hex digits' });
}

function checkShort(what: string, text: string): void {
  if (Buffer.byteLength(text) <= 255) return;
  throw new OperatingError('invalid-request', { detail: `The ${what} is longer than 255 bytes` });
}

function outOfReach(): OperatingError {
  const why = 'The server has lost more than the input can go back';
  const detail = `${why}: write it to a file and send that, which can always go on`;
  return new OperatingError('file-unavailable', { detail });
}
