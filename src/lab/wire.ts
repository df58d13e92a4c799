// One connection that goes through a link: two sockets and a lane of bytes each way. Bytes are
// handed on in order, each when its delay is over, with back-pressure. While the cable is cut
// nothing is handed on, no byte, no end and no reset; a connection that lost something that way
// does not go on as if nothing had been: it is reset when the cable heals.

import { connect, type Socket } from 'node:net';

export interface Cable {
  readonly delayMs: number;
  readonly isCut: boolean;
  /** How much a connection may carry until it breaks off, asked for each; absent: all. */
  readonly truncate?: () => number;
}

/** Bytes under way in one direction before the sender is asked to wait. */
const underWayBytesMax = 1024 * 1024;

export class Wire {
  readonly #client: Socket;
  readonly #target: { readonly host: string; readonly port: number };
  readonly #onClose: () => void;
  #cable: Cable;
  #server: Socket | undefined;
  #lanes: readonly Lane[] = [];
  #hasLost = false;
  /** Bytes that may still be carried. */
  #rest: number;

  /** `client` is a connection that was accepted and not read from yet. */
  constructor(
    client: Socket,
    target: { readonly host: string; readonly port: number },
    cable: Cable,
    onClose: () => void,
  ) {
    this.#client = client;
    this.#target = target;
    this.#cable = cable;
    this.#rest = cable.truncate?.() ?? Number.POSITIVE_INFINITY;
    this.#onClose = onClose;
    this.#watch(client);
    if (cable.isCut) client.on('data', () => this.#lose()).resume();
    else this.#connect();
  }

  follow(cable: Cable): void {
    this.#cable = cable;
    this.#rest = cable.truncate?.() ?? Number.POSITIVE_INFINITY;
    if (cable.isCut) {
      for (const lane of this.#lanes) if (lane.drop()) this.#hasLost = true;
    } else if (this.#hasLost) this.reset();
    else if (this.#client.readableEnded) this.reset();
    else if (this.#server === undefined) this.#connect();
  }

  reset(): void {
    for (const lane of this.#lanes) lane.drop();
    reset(this.#client);
    if (this.#server) reset(this.#server);
    this.#closed();
  }

  #connect(): void {
    this.#client.removeAllListeners('data');
    const server = connect({ ...this.#target, allowHalfOpen: true, noDelay: true });
    this.#server = server;
    this.#watch(server);
    const state = {
      cable: () => this.#cable,
      lose: () => this.#lose(),
      spend: (bytes: number) => this.#spend(bytes),
      breakOff: (from: Socket) => this.#breakOff(from),
    };
    this.#lanes = [new Lane(this.#client, server, state), new Lane(server, this.#client, state)];
    this.#client.resume();
  }

  #watch(socket: Socket): void {
    socket.on('error', () => {
      if (this.#cable.isCut) this.#lose();
      else this.reset();
    });
    socket.on('close', () => this.#closed());
  }

  #spend(bytes: number): number {
    const spent = Math.min(bytes, this.#rest);
    this.#rest -= spent;
    return spent;
  }

  /** What had been handed on arrives, and the end of the stream after it. */
  #breakOff(from: Socket): void {
    for (const lane of this.#lanes) lane.drop();
    reset(from);
  }

  #lose(): void {
    this.#hasLost = true;
  }

  /** A wire that lost something stays, half closed, until the cable tells its ends. */
  #closed(): void {
    const isOver = this.#client.destroyed && (this.#server?.destroyed ?? true);
    if (isOver) this.#onClose();
  }
}

/**
 * libuv refuses to reset a socket whose end is still being sent, and Node then neither closes it
 * nor can exit (it waits for the handle for ever): such a socket is closed in the ordinary way.
 */
function reset(socket: Socket): void {
  if (socket.writableEnded) socket.destroy();
  else socket.resetAndDestroy();
}

interface LaneState {
  cable(): Cable;
  lose(): void;
  /** How many of so many bytes may still be carried. */
  spend(bytes: number): number;
  breakOff(from: Socket): void;
}

/** One direction. */
class Lane {
  readonly #from: Socket;
  readonly #to: Socket;
  readonly #state: LaneState;
  /** What is under way; null is the end of the stream. */
  #queue: { readonly at: number; readonly chunk: Buffer | null }[] = [];
  #bytes = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(from: Socket, to: Socket, state: LaneState) {
    this.#from = from;
    this.#to = to;
    this.#state = state;
    from.on('data', (chunk: Buffer) => this.#take(chunk));
    from.on('end', () => this.#take(null));
    to.on('drain', () => this.#deliver());
  }

  /** Forgets what is under way; true when there was something. */
  drop(): boolean {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const had = this.#queue.length > 0;
    this.#queue = [];
    this.#bytes = 0;
    return had;
  }

  #take(chunk: Buffer | null): void {
    const { isCut, delayMs } = this.#state.cable();
    if (isCut) {
      this.#state.lose();
      return;
    }
    const at = Math.max(performance.now() + delayMs, this.#queue.at(-1)?.at ?? 0);
    this.#queue.push({ at, chunk });
    this.#bytes += chunk?.length ?? 0;
    this.#deliver();
    if (this.#bytes > underWayBytesMax || this.#to.writableNeedDrain) this.#from.pause();
  }

  #deliver(): void {
    if (this.#timer !== undefined) return;
    for (let next = this.#queue[0]; next !== undefined; next = this.#queue[0]) {
      if (this.#to.writableNeedDrain) return;
      const waitMs = next.at - performance.now();
      if (waitMs > 0) {
        this.#timer = setTimeout(() => {
          this.#timer = undefined;
          this.#deliver();
        }, Math.ceil(waitMs));
        return;
      }
      this.#queue.shift();
      this.#bytes -= next.chunk?.length ?? 0;
      if (!this.#handOn(next.chunk)) return;
    }
    if (!this.#to.writableNeedDrain) this.#from.resume();
  }

  /** False when this was the last that the connection carried. */
  #handOn(chunk: Buffer | null): boolean {
    if (chunk === null) {
      this.#to.end();
      return true;
    }
    const allowed = this.#state.spend(chunk.length);
    if (allowed === chunk.length) {
      this.#to.write(chunk);
      return true;
    }
    this.#to.end(chunk.subarray(0, allowed));
    this.#state.breakOff(this.#from);
    return false;
  }
}
