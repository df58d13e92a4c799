// A socket as a place where frames come and go, one at a time: reads no more than is asked for, and
// writes no more than is taken, so that what is in memory stays small whatever is sent. It can be
// broken off from elsewhere (a deadline, the end of a session): whoever waits then hears why. What
// is said when, and to whom, is for its caller.

import type { Socket } from 'node:net';
import { afterTime } from '../core/deadline.ts';
import { OperatingError } from '../core/errors.ts';
import type { Phase } from './conversation.ts';
import { dataBytesMax, type Frame } from './frame.ts';
import { Patience, type PatienceOptions } from './patience.ts';
import { type Action, Receiver } from './receiver.ts';

/** What is read ahead of what is asked for: one frame, beside the one that is looked at. */
const aheadBytesMax = dataBytesMax;
/** And so many pieces, which may be of one byte each: going through them takes little. */
const aheadPiecesMax = 64;
/** How long a peer may take to hear why it is left, before the connection is cut. */
const farewellMs = 2_000;

export class Wire {
  readonly patience: Patience;
  readonly #socket: Socket;
  readonly #receiver = new Receiver('server');
  readonly #closed: Promise<void>;
  readonly #chunks: Buffer<ArrayBuffer>[] = [];
  #chunk: Buffer<ArrayBuffer> | undefined;
  #ahead = 0;
  #actions: Generator<Action, void> | undefined;
  #isFinished = false;
  #isEnding = false;
  #broken: OperatingError | undefined;
  #wake: (() => void) | undefined;

  constructor(socket: Socket, options: PatienceOptions) {
    this.#socket = socket;
    this.patience = new Patience(options, (error) => this.break(error));
    const lost = (cause?: unknown) => this.break(new OperatingError('transfer-lost', { cause }));
    socket
      .on('data', (chunk: Buffer<ArrayBuffer>) => this.#hear(chunk))
      .on('end', () => {
        this.#isFinished = true;
        this.#wake?.();
      })
      .on('drain', () => this.#wake?.())
      .on('error', lost);
    this.#closed = new Promise((resolve) => {
      socket.once('close', () => {
        lost();
        resolve();
      });
    });
    // No byte of an answer was taken for so long; what a peer sends meanwhile is not looked at.
    socket.setTimeout(options.idleMs, () => {
      if (!socket.writableNeedDrain) return;
      this.break(new OperatingError('too-slow', { detail: 'What was sent is not read' }));
    });
  }

  get phase(): Phase {
    return this.#receiver.phase;
  }

  /** Whoever waits here, now or later, gets this error. The first counts. */
  break(error: OperatingError): void {
    this.#broken ??= error;
    this.#wake?.();
  }

  /**
   * The next frame that is due; undefined when the peer said all that it had to say.
   * @throws OperatingError what is wrong with it; `transfer-lost` for what was cut off; or why the
   *   connection was broken
   */
  async next(): Promise<Frame | undefined> {
    for (;;) {
      if (this.#broken !== undefined) throw this.#broken;
      const step = this.#actions?.next();
      if (step !== undefined && step.done !== true) return taken(step.value);
      // Free at once: else some 64 MiB would gather before they are collected.
      this.#chunk?.buffer.transfer(0);
      this.#chunk = this.#chunks.shift();
      if (this.#chunk !== undefined) {
        this.#ahead -= this.#chunk.length;
        this.#actions = this.#receiver.step(this.#chunk);
      } else if (this.#isFinished) {
        if (this.#receiver.finish() === 'complete') return undefined;
        throw new OperatingError('transfer-lost');
      } else {
        this.#resume();
        await this.#change();
      }
    }
  }

  /** The memory of what came in a data frame is free again. */
  reuse(content: Buffer): void {
    this.#receiver.reuse(content);
  }

  /** Out of place it is a mistake of the program. */
  say(frame: Frame): void {
    if (this.#isEnding || this.#socket.destroyed) return;
    const pieces = this.#receiver.say(frame);
    this.#socket.cork();
    for (const piece of pieces) this.#socket.write(piece);
    this.#socket.uncork();
  }

  /** Says that this side is alive, where it is due to say something and is not saying anything. */
  beat(): void {
    const isBetween = this.phase === 'ready' || this.phase === 'closed';
    if (!isBetween && this.#socket.writableLength === 0) this.say({ kind: 'wait' });
  }

  /**
   * Resolves when there is room for more. What filled a socket's buffer, as a whole piece of a file
   * does, is then taken, and its memory free again.
   * @throws OperatingError why it was broken off
   */
  async flushed(): Promise<void> {
    using _ = this.#socket.writableNeedDrain
      ? this.patience.reading(this.#socket.writableLength)
      : undefined;
    while (this.#broken === undefined && this.#socket.writableNeedDrain) await this.#change();
    if (this.#broken !== undefined) throw this.#broken;
  }

  /**
   * Says no more. What still comes is thrown away for a while: to close on it would take back what
   * the peer has not read yet. Resolves when the connection is gone.
   */
  async end(): Promise<void> {
    this.#isEnding = true;
    this.#chunks.length = 0;
    this.#socket.end();
    this.#socket.resume();
    using _ = afterTime(farewellMs, () => this.#socket.destroy());
    await this.#closed;
  }

  #hear(chunk: Buffer<ArrayBuffer>): void {
    if (this.#isEnding) return;
    this.patience.heard(chunk.length);
    this.#chunks.push(chunk);
    this.#ahead += chunk.length;
    this.#wake?.();
    if (this.#ahead < aheadBytesMax && this.#chunks.length < aheadPiecesMax) return;
    this.#socket.pause();
    this.patience.busy(true);
  }

  #resume(): void {
    if (!this.#socket.isPaused()) return;
    this.patience.busy(false);
    this.#socket.resume();
  }

  #change(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = () => {
        this.#wake = undefined;
        resolve();
      };
    });
  }
}

function taken(action: Action): Frame {
  if (action.do === 'refuse') throw action.error;
  return action.frame;
}
