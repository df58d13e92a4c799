// Tells those who hold something open for a session (an event stream, a socket) when it ends: at
// once, if this server ends it or a log of endings tells; otherwise by asking, once a second and
// without counting as a use, so that an open stream keeps no session alive, but one that is at work
// and says so: once for each session, however many streams, and of a cache where there is one. An
// ending elsewhere is thus heard of a second and one answer later; when there has been none for
// five, the watch ends as well.

import { OperatingError } from '../core/errors.ts';
import { touchIntervalMs } from '../core/limits.ts';
import type { Session } from '../core/session.ts';
import type { Ending } from '../revocations/revocation-log.ts';
import type { Recogniser } from '../strategies/strategy.ts';
import type { App, Parts } from './parts.ts';

declare module 'fastify' {
  interface FastifyInstance {
    readonly sessionWatch: SessionWatch;
  }
}

const askEveryMs = 1_000;
const doubtMs = 5_000;

/** `unknown`: it could not be found out for too long whether the session still stands. */
export type WatchEnd = 'ended' | 'unknown';
type Listener = (how: WatchEnd) => void;

/** All sessions, or the user's, or one by its handle, or all of them but one. */
export interface Which {
  readonly userId?: string;
  readonly handle?: string;
  readonly except?: string;
}

export interface Watching extends Disposable {
  /** What is open is at work, and so the session in use. May be said at every turn. */
  used(): void;
}

interface Watched {
  session: Session;
  readonly listeners: Set<Listener>;
  standingAt: number;
  usedAt: number;
  timer: NodeJS.Timeout | undefined;
}

export function addSessionWatch(app: App, parts: Parts): void {
  const watch = new SessionWatch(parts);
  app.decorate('sessionWatch', watch);
  app.addHook('onClose', async () => watch[Symbol.dispose]());
}

export class SessionWatch implements Disposable {
  readonly #recogniser: Recogniser;
  readonly #following: Disposable | undefined;
  readonly #watched = new Map<string, Watched>();

  constructor({ recogniser, revocations }: Pick<Parts, 'recogniser' | 'revocations'>) {
    this.#recogniser = recogniser;
    this.#following = revocations?.follow((ending) => {
      for (const each of this.#watched.values()) if (ends(ending, each.session)) this.#end(each);
    });
  }

  /** Calls back once, unless it is disposed of before. For sockets of any kind. */
  whileSessionLives(session: Session, onEnd: Listener): Watching {
    const watched = this.#watched.get(session.handle) ?? this.#begin(session);
    // One listener may be given twice, and is then two.
    const listener: Listener = (how) => onEnd(how);
    watched.listeners.add(listener);
    return {
      used: () => this.#used(watched),
      [Symbol.dispose]: () => {
        watched.listeners.delete(listener);
        if (watched.listeners.size === 0) this.#forget(watched);
      },
    };
  }

  /** How many watch this session on this server. */
  watchers({ handle }: Session): number {
    return this.#watched.get(handle)?.listeners.size ?? 0;
  }

  /** This server has ended what is named; nobody need be asked. */
  ended({ userId, handle, except }: Which): void {
    for (const each of this.#watched.values()) {
      const { session } = each;
      const isOf = (userId ?? session.userId) === session.userId;
      const isIt = (handle ?? session.handle) === session.handle;
      if (isOf && isIt && session.handle !== except) this.#end(each);
    }
  }

  [Symbol.dispose](): void {
    this.#following?.[Symbol.dispose]();
    for (const each of this.#watched.values()) this.#forget(each);
  }

  #begin(session: Session): Watched {
    const watched: Watched = {
      ...{ session, listeners: new Set(), timer: undefined },
      ...{ standingAt: Date.now(), usedAt: session.lastSeenAt },
    };
    this.#watched.set(session.handle, watched);
    // It may have ended since it was recognised.
    void this.#lookOnAndOn(watched);
    return watched;
  }

  async #lookOnAndOn(watched: Watched): Promise<void> {
    await this.#look(watched);
    if (this.#watched.get(watched.session.handle) !== watched) return;
    watched.timer = setTimeout(() => void this.#lookOnAndOn(watched), askEveryMs).unref();
  }

  async #look(watched: Watched): Promise<void> {
    const { session } = watched;
    const askedAt = Date.now();
    try {
      const stands = await this.#recogniser.stands(session);
      if (stands && askedAt < session.absoluteExpiresAt) watched.standingAt = askedAt;
      else this.#end(watched);
    } catch (cause) {
      if (!(cause instanceof OperatingError)) throw cause;
      if (Date.now() - watched.standingAt > doubtMs) this.#end(watched, 'unknown');
    }
  }

  #used(watched: Watched): void {
    const { session, usedAt } = watched;
    const now = Date.now();
    if (now - usedAt < touchIntervalMs(session.idleExpiresAt - session.lastSeenAt)) return;
    watched.usedAt = now;
    void this.#use(watched);
  }

  /** Where it is not noted, the idle limit stays; whether the session has ended is looked for. */
  async #use(watched: Watched): Promise<void> {
    try {
      watched.session = (await this.#recogniser.use(watched.session)) ?? watched.session;
    } catch (cause) {
      if (!(cause instanceof OperatingError)) throw cause;
    }
  }

  #end(watched: Watched, how: WatchEnd = 'ended'): void {
    this.#forget(watched);
    for (const listener of watched.listeners) listener(how);
    watched.listeners.clear();
  }

  #forget(watched: Watched): void {
    clearTimeout(watched.timer);
    const { handle } = watched.session;
    if (this.#watched.get(handle) === watched) this.#watched.delete(handle);
  }
}

function ends(ending: Ending, { id, userId, epoch }: Session): boolean {
  if (ending.kind === 'session') return ending.sessionId === id;
  return ending.userId === userId && epoch < ending.epoch && ending.except !== id;
}
