// The endings that one server knows: two maps in memory, asked at every request. It only ever
// learns; what a log has forgotten it still holds. An ending leaves when nothing it ended could be
// accepted anyway: each one that comes in looks at two others, so that no sweep ever takes long and
// the dead are soon fewer than the living. An entry takes about 200 bytes, which
// test/revocations/staleness.test.ts measures with 100,000.

import type { Ending, Judged } from './revocation-log.ts';

/** An ending, and until when it matters, in milliseconds since the Unix epoch. */
export type Kept = Ending & { readonly until: number };

type EndedUser = Extract<Kept, { kind: 'user' }>;

const sweptPerEnding = 2;

export class View {
  /** By the id: until when it matters. */
  readonly #sessions = new Map<string, number>();
  readonly #users = new Map<string, EndedUser>();
  readonly #listeners = new Set<(ending: Ending) => void>();
  readonly #sweeps = [sweep(this.#sessions, (until) => until), sweep(this.#users, untilOf)];

  constructor() {
    for (const each of this.#sweeps) each.next(0);
  }

  get size(): number {
    return this.#sessions.size + this.#users.size;
  }

  hasEnded(session: Judged): boolean {
    return this.#sessions.has(session.id) || this.hasEndedWithUser(session);
  }

  hasEndedWithUser({ id, userId, epoch }: Judged): boolean {
    const user = this.#users.get(userId);
    if (user === undefined || epoch >= user.epoch || id === user.except) return false;
    // A log that has let the user's ending go begins sessions with a smaller epoch again.
    return Date.now() < user.until;
  }

  epochOf(userId: string): number {
    const user = this.#users.get(userId);
    return user !== undefined && Date.now() < user.until ? user.epoch : 0;
  }

  learn(ending: Kept): void {
    const now = Date.now();
    for (let step = 0; step < sweptPerEnding; step += 1) {
      for (const each of this.#sweeps) each.next(now);
    }
    if (!this.#keep(ending)) return;
    for (const listener of this.#listeners) listener(ending);
  }

  /** False when it holds as much or more already. */
  #keep(ending: Kept): boolean {
    if (ending.kind === 'session') {
      const known = this.#sessions.get(ending.sessionId);
      this.#sessions.set(ending.sessionId, Math.max(known ?? 0, ending.until));
      return known === undefined;
    }
    const known = this.#users.get(ending.userId);
    if (known && ending.epoch <= known.epoch) return false;
    const until = Math.max(known?.until ?? 0, ending.until);
    this.#users.set(ending.userId, { ...ending, until });
    return true;
  }

  /** All that still matters. */
  *endings(): Iterable<Kept> {
    const now = Date.now();
    for (const [sessionId, until] of this.#sessions) {
      if (now < until) yield { kind: 'session', sessionId, until };
    }
    for (const user of this.#users.values()) if (now < user.until) yield user;
  }

  follow(listener: (ending: Ending) => void): Disposable {
    const own = (ending: Ending) => listener(ending);
    this.#listeners.add(own);
    return { [Symbol.dispose]: () => void this.#listeners.delete(own) };
  }
}

const untilOf = ({ until }: Kept) => until;

/** Each step is given the time and looks at one entry, round and round. */
function* sweep<Entry>(
  entries: Map<string, Entry>,
  until: (entry: Entry) => number,
): Generator<void, never, number> {
  let now = yield;
  for (;;) {
    for (const [key, entry] of entries) {
      if (until(entry) <= now) entries.delete(key);
      now = yield;
    }
    now = yield;
  }
}
