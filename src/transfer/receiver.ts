// Bytes that arrived -> frames in their places, or the first thing that is wrong. However the bytes
// are split, the actions are the same. What is held is less than one frame, and grows with what has
// arrived, not with what a length claims. A connection only carries the actions out: there are no
// sockets here, no clock and no I/O. The same for both sides, which tell it what they say too.

import assert from 'node:assert/strict';
import { OperatingError } from '../core/errors.ts';
import { Conversation, type Phase, type Side } from './conversation.ts';
import { decode, decodeHeader, encode, type Frame, type Header, headerBytes } from './frame.ts';

export type Action =
  /** This frame was due, and agrees with what was said before. */
  | { readonly do: 'take'; readonly frame: Frame }
  /** Nothing that comes after this is looked at. A server says so, and both hang up. */
  | { readonly do: 'refuse'; readonly error: OperatingError };

/** Of what is held to what has arrived: so that a frame is copied once, and seldom again. */
const growth = 8;
const heldBytesMin = 1024;
const empty = Buffer.alloc(0);

export class Receiver {
  readonly #speaker: Side;
  readonly #listener: Side;
  readonly #conversation = new Conversation();
  #header: Header | undefined;
  #held: Buffer = empty;
  #heldBytes = 0;
  #isDeaf = false;
  /** What was allocated here for data, and may be used again. */
  readonly #lent = new WeakSet<ArrayBufferLike>();
  #spare: Buffer[] = [];

  /** @param listener who receives: a server reads what clients send, a client what servers send. */
  constructor(listener: Side) {
    this.#listener = listener;
    this.#speaker = listener === 'server' ? 'client' : 'server';
  }

  get phase(): Phase {
    return this.#conversation.phase;
  }

  /**
   * Each action is to be carried out, with what is said in answer, before the next is asked for;
   * and all are to be asked for before the next step. So a command that came too early waits, and
   * costs nothing. Nothing of `bytes` is needed afterwards.
   */
  *step(bytes: Buffer): Generator<Action, void> {
    let rest = bytes;
    while (!this.#isDeaf && this.phase !== 'closed') {
      const missing = (this.#header?.bytes ?? headerBytes) - this.#heldBytes;
      const whole = this.#whole(rest, missing);
      if (whole === undefined) return;
      rest = rest.subarray(missing);
      const action = this.#advance(whole);
      if (action !== undefined) yield action;
    }
  }

  /** Nobody looks at this content of a data frame any more: its memory may hold a later one. */
  reuse({ buffer }: Buffer): void {
    const isMoving = this.phase === 'uploading' || this.phase === 'downloading';
    const isSpare = isMoving && this.#lent.delete(buffer);
    if (isSpare) this.#spare.push(Buffer.from(buffer));
  }

  /**
   * To be written, in this order. Out of place it is a mistake of the program: ask `phase` before.
   * An error may be said in every phase but closed.
   */
  say(frame: Frame): readonly Buffer[] {
    const wrong = this.#conversation.take(this.#listener, frame);
    assert(wrong === undefined, wrong?.detail);
    return encode(frame);
  }

  /** What it means that the other side says no more: all was said, or it was cut off. */
  finish(): 'complete' | 'cut' {
    const isBetween = ['hello', 'ready', 'closed'].includes(this.phase);
    return isBetween && this.#header === undefined && this.#heldBytes === 0 ? 'complete' : 'cut';
  }

  /** Undefined, and the bytes put by, while some are missing. */
  #whole(bytes: Buffer, missing: number): Buffer | undefined {
    const isCopied = this.#header?.kind === 'data' || this.#heldBytes > 0;
    if (!isCopied && bytes.length >= missing) return bytes.subarray(0, missing);
    this.#hold(bytes.subarray(0, missing), this.#heldBytes + missing);
    if (bytes.length < missing) return undefined;
    const whole = this.#held.subarray(0, this.#heldBytes);
    this.#lent.add(this.#held.buffer);
    this.#held = empty;
    this.#heldBytes = 0;
    return whole;
  }

  #hold(bytes: Buffer, bytesMax: number): void {
    const total = this.#heldBytes + bytes.length;
    if (total > this.#held.length) {
      const larger = this.#room(total, bytesMax);
      this.#held.copy(larger, 0, 0, this.#heldBytes);
      this.#held = larger;
    }
    bytes.copy(this.#held, this.#heldBytes);
    this.#heldBytes = total;
  }

  #room(total: number, bytesMax: number): Buffer {
    const spare = this.#spare.pop();
    if (spare !== undefined && spare.length >= bytesMax) return spare;
    return Buffer.allocUnsafeSlow(Math.min(bytesMax, Math.max(growth * total, heldBytesMin)));
  }

  #advance(whole: Buffer): Action | undefined {
    try {
      if (this.#header !== undefined) return this.#taken(this.#header, whole);
      const header = decodeHeader(whole);
      const wrong = this.#conversation.refusal(this.#speaker, header.kind);
      if (wrong !== undefined) return this.#refused(wrong);
      this.#header = header;
      return undefined;
    } catch (error) {
      if (error instanceof OperatingError) return this.#refused(error);
      throw error;
    }
  }

  #taken(header: Header, payload: Buffer): Action {
    this.#header = undefined;
    const frame = decode(header.kind, payload);
    if (frame.kind !== 'data') this.#spare = [];
    const wrong = this.#conversation.take(this.#speaker, frame);
    return wrong === undefined ? { do: 'take', frame } : this.#refused(wrong);
  }

  #refused(error: OperatingError): Action {
    this.#isDeaf = true;
    return { do: 'refuse', error };
  }
}
