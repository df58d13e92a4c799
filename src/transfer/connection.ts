// One client from its hello to its farewell: carries its commands out in the vault, and answers
// each. What goes wrong is said in one frame, by the table of problems. A command is refused, or
// broken off, on record; a receipt is given when what it says is on record. The order of frames is
// the receiver's, the bytes are the wire's, the files the vault's.

import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { afterWrite, type ErrorCode, OperatingError } from '../core/errors.ts';
import type { Noticed } from '../core/security-event.ts';
import type { Session } from '../core/session.ts';
import { dataBytesMax, type Frame, type FrameOf } from './frame.ts';
import { noticedOf } from './noticed.ts';
import type { PatienceOptions } from './patience.ts';
import { errorFrame } from './problems.ts';
import type { Peer, Surroundings, Watching } from './surroundings.ts';
import type { FileRecord, OpenedFile, Upload, Vault, Visitor } from './vault.ts';
import { Wire } from './wire.ts';

export interface ConnectionOptions extends PatienceOptions {
  readonly vault: Vault;
  /** Who presents no credential at all is a visitor too. */
  readonly anonymous: boolean;
  readonly fileBytesMax: number;
  readonly surroundings: Surroundings;
}

/** No session is of a user without an id. */
const anonymousVisitor: Visitor = { userId: '', userName: '' };
const retryAfterSeconds = 1;
const empty = Buffer.alloc(0);

type Command = Extract<Frame, { kind: 'put' | 'get' | 'list' | 'remove' | 'share' }>;
/** What is known of the file that a command is about. */
type About = Pick<Noticed, 'file' | 'bytes'>;

export class Connection {
  readonly peer: Peer;
  readonly #wire: Wire;
  readonly #options: ConnectionOptions;
  #visitor = anonymousVisitor;
  #session: Session | undefined;
  #watching: Watching | undefined;
  #about: About = {};
  #isDraining = false;

  constructor(socket: Socket, peer: Peer, options: ConnectionOptions) {
    this.peer = peer;
    this.#options = options;
    this.#wire = new Wire(socket, options);
  }

  /** Nothing was understood of it so far. */
  get isSilent(): boolean {
    return this.#wire.phase === 'hello';
  }

  /** Resolves when the connection is gone. */
  async run(): Promise<void> {
    using watches = new DisposableStack();
    try {
      if (await this.#greet(watches)) while (await this.#serve());
    } catch (thrown) {
      const noticed = noticedOf(undefined, codeOf(thrown));
      if (noticed !== undefined) this.#note(noticed);
      this.#explain(thrown);
    }
    await this.#wire.end();
  }

  /** Lets a command that is under way be finished, and takes no other. */
  drain(): void {
    this.#isDraining = true;
    if (this.#wire.phase === 'hello' || this.#wire.phase === 'ready') this.breakOff();
  }

  breakOff(): void {
    const detail = 'The server ends';
    this.#wire.break(new OperatingError('overloaded', { detail, retryAfterSeconds }));
  }

  /** False for a client that left without a word. */
  async #greet(watches: DisposableStack): Promise<boolean> {
    const { surroundings, anonymous, idleMs, fileBytesMax } = this.#options;
    const hello = await this.#inTime(this.#wire.patience.hello());
    if (hello?.kind !== 'hello') return false;
    const { field, credential } = hello;
    const headers = field === 'none' ? {} : { [field]: credential };
    const recognition = await surroundings.identify(headers, this.peer);
    if (recognition.kind === 'recognised') {
      const { session } = recognition;
      this.#session = session;
      this.#visitor = { userId: session.userId, userName: session.userName };
      const end = (how: 'ended' | 'unknown') => this.#wire.break(ended(how));
      this.#watching = watches.use(surroundings.whileSessionLives(session, end));
    } else if (recognition.kind === 'unknown') {
      throw storeUnavailable(recognition.cause);
    } else if (!anonymous || recognition.reason !== 'no-credential') {
      throw new OperatingError('not-authenticated');
    }
    const user = this.#visitor.userName;
    this.#wire.say({ kind: 'welcome', idleMs, fileBytesMax, user });
    return true;
  }

  /** One command. False when there is no other. */
  async #serve(): Promise<boolean> {
    this.#about = {};
    await this.#wire.flushed();
    if (this.#isDraining) this.breakOff();
    const frame = (await this.#inTime(this.#wire.patience.command())) as Command | undefined;
    if (frame === undefined) return false;
    this.#watching?.used();
    const startedMs = performance.now();
    using _ = this.#wire.patience.transfer();
    using _beat = this.#beat();
    let outcome: ErrorCode | 'ok' = 'ok';
    try {
      await this.#carryOut(frame);
    } catch (thrown) {
      outcome = codeOf(thrown);
      const noticed = noticedOf(frame.kind, outcome);
      if (noticed !== undefined) this.#note(noticed);
      this.#explain(thrown);
    }
    const { tally } = this.#options.surroundings;
    tally.transfer(frame.kind, outcome, performance.now() - startedMs);
    return this.#wire.phase === 'ready';
  }

  async #inTime(deadline: Disposable): Promise<Frame | undefined> {
    using _ = deadline;
    return await this.#wire.next();
  }

  #carryOut(command: Command): Promise<void> {
    switch (command.kind) {
      case 'put':
        return this.#take(command);
      case 'get':
        return this.#give(command);
      case 'list':
        return this.#list();
      case 'remove':
        return this.#remove(command);
      case 'share':
        return this.#share(command);
    }
  }

  async #take({ upload: uploadId, bytes, name, claimedType }: FrameOf<'put'>): Promise<void> {
    const { vault } = this.#options;
    this.#demandRecord();
    const takenOver = () => this.#wire.break(new OperatingError('upload-taken-over'));
    const request = { uploadId, bytes, name, claimedType };
    await using upload = await vault.begin(this.#visitor, request, takenOver);
    const { id: file, offset, sha256, stored } = upload;
    this.#about = { file };
    this.#wire.say({ kind: 'have', file, offset, sha256 });
    const end = await this.#takeData(upload);
    const record = await upload.commit(end.sha256);
    const again = stored && { reason: 'repeated' as const };
    await this.#record({ kind: 'file-stored', ...again }, record);
    this.#wire.say({ kind: 'receipt', ...described(record) });
  }

  async #takeData(upload: Upload): Promise<FrameOf<'end'>> {
    const { tally } = this.#options.surroundings;
    using _ = this.#wire.patience.pace(upload.offset);
    let before: Buffer = empty;
    for (;;) {
      const frame = await this.#wire.next();
      if (frame?.kind === 'end') return frame;
      assert(frame?.kind === 'data');
      tally.bytesIn += frame.content.length;
      this.#watching?.used();
      await upload.write(frame.content);
      this.#wire.reuse(before);
      before = frame.content;
    }
  }

  async #give({ file, offset }: FrameOf<'get'>): Promise<void> {
    this.#about = { file };
    await using opened = await this.#options.vault.open(this.#visitor, file);
    if (opened === undefined) throw new OperatingError('not-found');
    const { record } = opened;
    if (offset > record.bytes) {
      const detail = `The file has ${record.bytes} bytes`;
      throw new OperatingError('invalid-request', { detail });
    }
    this.#wire.say({ kind: 'entry', ...described(record) });
    await this.#giveData(opened, offset);
    this.#wire.say({ kind: 'end', bytes: record.bytes, sha256: record.sha256 });
    this.#note({ kind: 'file-received' }, record);
  }

  /** Two pieces take turns: one is read while the other is on its way. */
  async #giveData(opened: OpenedFile, offset: number): Promise<void> {
    const { tally } = this.#options.surroundings;
    const { bytes } = opened.record;
    const pieceBytes = Math.min(dataBytesMax, bytes - offset);
    let [piece, other] = [Buffer.allocUnsafeSlow(pieceBytes), Buffer.allocUnsafeSlow(pieceBytes)];
    for (let at = offset; at < bytes; at += pieceBytes) {
      const content = await opened.fill(piece, at);
      await this.#wire.flushed();
      this.#wire.say({ kind: 'data', offset: at, content });
      tally.bytesOut += content.length;
      this.#watching?.used();
      [piece, other] = [other, piece];
    }
  }

  async #list(): Promise<void> {
    const records = await this.#options.vault.list(this.#visitor);
    for (const record of records) {
      await this.#wire.flushed();
      this.#wire.say({ kind: 'entry', ...described(record) });
    }
    this.#wire.say({ kind: 'listed', count: records.length });
  }

  /** It takes a right away: it is on record if that is possible, and is not held up. */
  async #remove({ file }: FrameOf<'remove'>): Promise<void> {
    this.#about = { file };
    const isRemoved = await this.#options.vault.remove(this.#visitor, file);
    if (!isRemoved) throw new OperatingError('not-found');
    this.#wire.say({ kind: 'done' });
    this.#note({ kind: 'file-removed' });
  }

  async #share({ file, user }: FrameOf<'share'>): Promise<void> {
    this.#about = { file };
    if (this.#session === undefined) throw new OperatingError('not-authenticated');
    this.#demandRecord();
    const isShared = await this.#options.vault.share(this.#visitor, file, user);
    if (!isShared) throw new OperatingError('not-found');
    await this.#record({ kind: 'file-shared' });
    this.#wire.say({ kind: 'done' });
  }

  #demandRecord(): void {
    if (this.#options.surroundings.canRecord()) return;
    throw new OperatingError('audit-unavailable', { retryAfterSeconds });
  }

  /** It is done already: that it is not on record undoes nothing. */
  #record(noticed: Noticed, file?: FileRecord): Promise<void> {
    const recording = this.#options.surroundings.record(this.#told(noticed, file), this.peer);
    return afterWrite(recording, 'audit-outcome-unknown');
  }

  #note(noticed: Noticed, file?: FileRecord): void {
    this.#options.surroundings.note(this.#told(noticed, file), this.peer);
  }

  #told(noticed: Noticed, file?: FileRecord): Noticed {
    const who = this.#session && { session: this.#session.handle, userId: this.#session.userId };
    return { ...noticed, ...who, ...this.#about, ...(file && { bytes: file.bytes }) };
  }

  /** Until disposed of: tells the client now and then that this side is still at work. */
  #beat(): Disposable {
    const beating = setInterval(() => this.#wire.beat(), this.#options.idleMs / 3);
    return { [Symbol.dispose]: () => clearInterval(beating) };
  }

  #explain(thrown: unknown): void {
    const isOperating = thrown instanceof OperatingError;
    // Nobody is there to hear it.
    if (isOperating && thrown.code === 'transfer-lost') return;
    if (!isOperating || thrown.status >= 500) this.#options.surroundings.trouble(thrown, this.peer);
    if (this.#wire.phase !== 'closed') this.#wire.say(errorFrame(thrown));
  }
}

function codeOf(thrown: unknown): ErrorCode {
  return thrown instanceof OperatingError ? thrown.code : 'internal';
}

function ended(how: 'ended' | 'unknown'): OperatingError {
  if (how === 'ended') return new OperatingError('session-ended');
  return new OperatingError('store-unavailable', { retryAfterSeconds });
}

function storeUnavailable(cause: OperatingError): OperatingError {
  const { retryAfterSeconds: given = retryAfterSeconds } = cause;
  return new OperatingError('store-unavailable', { cause, retryAfterSeconds: given });
}

function described({ id: file, ownerName: owner, ...record }: FileRecord) {
  const { bytes, sha256, storedAt, type, name } = record;
  return { file, bytes, sha256, storedAt, owner, type, name };
}
