// Everybody who listens to the lab, by server-sent events (HTML Standard, 9.2). A listener that
// does not keep up is let go: its browser opens a new stream, which begins with everything, and so
// nothing piles up here for anybody.

import { PassThrough } from 'node:stream';
import type { Told } from './contract.ts';

export const listenersMax = 1_000;
const waitingBytesMax = 8 * 1024 * 1024;
const heartbeatMs = 15_000;

export class Live implements Disposable {
  readonly #listeners = new Set<PassThrough>();
  readonly #heart = setInterval(() => this.#write(': alive\n\n'), heartbeatMs).unref();

  get isFull(): boolean {
    return this.#listeners.size >= listenersMax;
  }

  /** A stream whose first word is `first`. */
  open(first: Told): PassThrough {
    const stream = new PassThrough();
    this.#listeners.add(stream);
    stream.once('close', () => this.#listeners.delete(stream));
    stream.write(`retry: 500\n${asEvent(first)}`);
    return stream;
  }

  tell(told: Told): void {
    if (this.#listeners.size > 0) this.#write(asEvent(told));
  }

  [Symbol.dispose](): void {
    clearInterval(this.#heart);
    for (const stream of this.#listeners) stream.end();
  }

  #write(text: string): void {
    for (const stream of this.#listeners) {
      const waiting = stream.readableLength + stream.writableLength;
      if (waiting > waitingBytesMax) stream.destroy();
      else stream.write(text);
    }
  }
}

function asEvent(told: Told): string {
  return `event: tell\ndata: ${JSON.stringify(told)}\n\n`;
}
