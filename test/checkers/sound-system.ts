// What a right system does, in the smallest form: one table of sessions that changes one operation
// at a time. It keeps the rules of the real one: idle and absolute limits, rotation with a grace,
// reuse, self-contained credentials with an expiry of their own (but with a denylist, so that it is
// right about logout as well).

import { randomUUID } from 'node:crypto';
import {
  isTransfer,
  type Operation,
  type SeenFile,
  type Transfer,
} from '../../src/core/history.ts';
import { type Lifetimes, touchIntervalMs } from '../../src/core/limits.ts';

interface Session {
  readonly user: string;
  readonly createdAt: number;
  seenAt: number;
  ended: boolean;
  refresh: string;
  previous: string | undefined;
  rotatedAt: number;
  readonly cart: Record<string, number>;
}

export interface Held {
  readonly sess: string;
  readonly cred: string;
  readonly refresh: string;
}

export interface Request {
  readonly f: Operation;
  readonly item: string;
  readonly user: string;
  readonly held: Held | undefined;
}

export interface Effect {
  readonly status: number;
  readonly user: string | null;
  readonly cart?: Record<string, number>;
  readonly files?: readonly SeenFile[];
  readonly issued?: { readonly cred: string; readonly refresh?: string };
}

interface Rules {
  readonly selfContained: boolean;
  readonly lifetimes: Lifetimes;
}

export class SoundSystem {
  readonly #rules: Rules;
  /** The one user whose puts are lost, for a flaw. */
  readonly #loser: string | undefined;
  readonly #credentials = new Map<string, { session: Session; expiresAt: number }>();
  readonly #sessions = new Set<Session>();
  readonly #files = new Map<string, Set<string>>();
  #now = 0;

  constructor(rules: Rules, loser?: string) {
    this.#rules = rules;
    this.#loser = loser;
  }

  /** What the operation does, and is answered, when it takes effect at `now`. */
  effect({ f, item, user, held }: Request, now: number): Effect {
    this.#now = now;
    const session = f === 'forge' ? undefined : this.#recognised(held?.cred);
    if (f === 'login') {
      if (session) session.ended = true;
      return { status: 200, user, issued: this.#open(user) };
    }
    if (f === 'logout') {
      if (session) session.ended = true;
      return { status: 204, user };
    }
    if (f === 'refresh') return this.#refresh(held);
    if (session === undefined) return { status: 401, user: null };
    if (f === 'logout-everywhere') {
      for (const each of this.#sessions) if (each.user === session.user) each.ended = true;
      return { status: 204, user };
    }
    if (isTransfer(f))
      return { status: 200, user: session.user, files: this.#transfer(f, item, user) };
    if (f !== 'put')
      return { status: 200, user: session.user, ...(f === 'read' && cartOf(session)) };
    if (user !== this.#loser) session.cart[item] = (session.cart[item] ?? 0) + 1;
    const expiresAt = this.#credentials.get(held?.cred ?? '')?.expiresAt ?? 0;
    const cred = this.#rules.selfContained ? this.#issue(session, expiresAt) : undefined;
    const issued = cred ? { issued: { cred } } : {};
    return { status: 200, user: session.user, ...cartOf(session), ...issued };
  }

  /** All files of a user, or the one that was sent or is fetched. */
  #transfer(f: Transfer, item: string, user: string): readonly SeenFile[] {
    const files = this.#files.get(user) ?? new Set();
    this.#files.set(user, files);
    if (f === 'send') files.add(item);
    const shown = f === 'list' ? [...files] : [item].filter((each) => files.has(each));
    return shown.map((each) => fileOf(user, each));
  }

  #recognised(cred: string | undefined): Session | undefined {
    const known = this.#credentials.get(cred ?? '');
    if (known === undefined || known.session.ended || this.#now >= known.expiresAt)
      return undefined;
    const { session } = known;
    if (this.#rules.selfContained) return session;
    const { rotationGraceMs } = this.#rules.lifetimes;
    const current = cred === session.refresh;
    if (
      !current &&
      (cred !== session.previous || this.#now >= session.rotatedAt + rotationGraceMs)
    ) {
      return undefined;
    }
    return this.#touch(session, touchIntervalMs(this.#rules.lifetimes.idleMs))
      ? session
      : undefined;
  }

  /** False when the session had expired. */
  #touch(session: Session, intervalMs: number): boolean {
    const { idleMs, absoluteMs } = this.#rules.lifetimes;
    if (this.#now >= Math.min(session.createdAt + absoluteMs, session.seenAt + idleMs))
      return false;
    if (this.#now >= session.seenAt + intervalMs) session.seenAt = this.#now;
    return true;
  }

  #open(user: string): { cred: string; refresh: string } {
    const now = this.#now;
    const times = { createdAt: now, seenAt: now, rotatedAt: now };
    const fresh = { user, ended: false, refresh: randomUUID(), previous: undefined, cart: {} };
    const session: Session = { ...fresh, ...times };
    this.#sessions.add(session);
    return this.#credentialsOf(session);
  }

  #credentialsOf(session: Session): { cred: string; refresh: string } {
    const { lifetimes, selfContained } = this.#rules;
    if (selfContained) {
      const expiresAt = this.#now + lifetimes.accessTokenMs;
      return { cred: this.#issue(session, expiresAt), refresh: session.refresh };
    }
    this.#credentials.set(session.refresh, { session, expiresAt: Number.POSITIVE_INFINITY });
    return { cred: session.refresh, refresh: session.refresh };
  }

  #issue(session: Session, expiresAt: number): string {
    const cred = randomUUID();
    const latest = session.createdAt + this.#rules.lifetimes.absoluteMs;
    this.#credentials.set(cred, { session, expiresAt: Math.min(expiresAt, latest) });
    return cred;
  }

  #refresh(held: Held | undefined): Effect {
    const refused = { status: 401, user: null };
    const session = this.#credentials.get(held?.cred ?? '')?.session;
    if (held === undefined || session === undefined || session.ended) return refused;
    if (!this.#touch(session, 0)) return refused;
    const graceEnds = session.rotatedAt + this.#rules.lifetimes.rotationGraceMs;
    if (held.refresh === session.refresh) {
      session.previous = session.refresh;
      session.rotatedAt = this.#now;
    } else if (held.refresh !== session.previous || this.#now >= graceEnds) {
      session.ended = true;
      return refused;
    }
    session.refresh = randomUUID();
    return { status: 200, user: session.user, issued: this.#credentialsOf(session) };
  }
}

/** There is one for each user and item, and what identifies it is its content, too. */
export function fileOf(user: string, item: string): SeenFile {
  const name = `${user}-${item}`;
  return { id: name, bytes: 1, sha256: name };
}

function cartOf({ cart }: Session): { cart: Record<string, number> } {
  return { cart: { ...cart } };
}
