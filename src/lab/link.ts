// The lab's own cable: a TCP proxy in this process that sits between two parts of the cluster and
// can be slow, cut or refusing, or break connections off. Healthy, it hands every chunk on as it
// came, with back-pressure. It looks at no byte, so what it carries is none of its business. It
// does not lose single packets and bounds no bandwidth: TCP hides the one, and no law checked here
// needs the other.

import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer, type Socket } from 'node:net';
import { freePort } from '../backing/process.ts';
import type { LinkPort } from '../faults/fault.ts';
import { type Cable, Wire } from './wire.ts';

const HOST = '127.0.0.1';
const REOPEN_RETRY_MS = 10;

export interface Link extends LinkPort, AsyncDisposable {
  readonly state: 'whole' | 'slow' | 'cut' | 'refusing';
  /** Where to connect instead of the target; the same for the life of the link. */
  readonly port: number;
  /**
   * Names the port of a restarted target for connections to come; resolves when the link takes
   * them. Undefined says that the target no longer listens: open connections go on for as long as
   * both ends keep them, and new ones are refused here as they would be there.
   */
  retarget(port: number | undefined): Promise<void>;
}

export interface LinkOptions {
  /** For the history: 's1 -> store'. */
  readonly name: string;
  readonly to: { readonly host: string; readonly port: number };
}

/** Resolves when the link listens on a free port of the loopback address. */
export async function openLink(options: LinkOptions): Promise<Link> {
  const link = new TcpLink(options);
  await link.open();
  return link;
}

class TcpLink implements Link {
  readonly name: string;
  readonly #host: string;
  readonly #server = createServer({ allowHalfOpen: true, pauseOnConnect: true, noDelay: true });
  readonly #wires = new Set<Wire>();
  #target: number | undefined;
  #port = 0;
  #cable: Cable = { delayMs: 0, isCut: false };
  #isRefusing = false;
  #isDisposed = false;
  #isOpening = false;
  #retry: NodeJS.Timeout | undefined;

  constructor(options: LinkOptions) {
    this.name = options.name;
    this.#host = options.to.host;
    this.#target = options.to.port;
    this.#server.on('connection', (client) => this.#accept(client));
  }

  get port(): number {
    return this.#port;
  }

  get state(): Link['state'] {
    if (this.#isRefusing) return 'refusing';
    if (this.#cable.isCut) return 'cut';
    return this.#cable.delayMs > 0 ? 'slow' : 'whole';
  }

  async open(): Promise<void> {
    this.#server.listen(await freePort(), HOST);
    await once(this.#server, 'listening');
    this.#port = (this.#server.address() as AddressInfo).port;
    this.#server.on('listening', () => {
      this.#isOpening = false;
      this.#settle();
    });
    // All that can fail from here on is to take the port again, when somebody has it for a moment.
    this.#server.on('error', () => {
      this.#isOpening = false;
      this.#retry = setTimeout(() => this.#settle(), REOPEN_RETRY_MS);
    });
  }

  delay(ms: number): void {
    this.#become({ delayMs: ms, isCut: false }, false);
  }

  cut(): void {
    this.#become({ delayMs: 0, isCut: true }, false);
  }

  truncate(bytes: () => number): void {
    this.#become({ delayMs: 0, isCut: false, truncate: bytes }, false);
  }

  refuse(): void {
    this.#become({ delayMs: 0, isCut: false }, true);
  }

  heal(): void {
    this.#become({ delayMs: 0, isCut: false }, false);
  }

  async retarget(port: number | undefined): Promise<void> {
    this.#target = port;
    this.#settle();
    if (this.#isOpening) await new Promise((resolve) => this.#server.once('listening', resolve));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isDisposed = true;
    for (const wire of this.#wires) wire.reset();
    const wasListening = this.#server.listening;
    this.#settle();
    if (wasListening) await once(this.#server, 'close');
  }

  #become(cable: Cable, isRefusing: boolean): void {
    this.#cable = cable;
    this.#isRefusing = isRefusing;
    for (const wire of this.#wires) {
      if (isRefusing) wire.reset();
      else wire.follow(cable);
    }
    this.#settle();
  }

  /** Opens or closes the listening socket, as the state asks for. */
  #settle(): void {
    clearTimeout(this.#retry);
    const wanted = !this.#isRefusing && !this.#isDisposed && this.#target !== undefined;
    if (this.#isOpening || wanted === this.#server.listening) return;
    this.#isOpening = wanted;
    if (wanted) this.#server.listen(this.#port, HOST);
    else this.#server.close();
  }

  #accept(client: Socket): void {
    if (this.#target === undefined || this.#isRefusing || this.#isDisposed) {
      client.resetAndDestroy();
      return;
    }
    const target = { host: this.#host, port: this.#target };
    const wire = new Wire(client, target, this.#cable, () => this.#wires.delete(wire));
    this.#wires.add(wire);
  }
}
