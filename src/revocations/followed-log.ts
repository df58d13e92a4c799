// A log as one server has it: the source, where endings are durable, and a view of it. The source
// pushes endings into the view as they happen, which nothing depends on; every so often it is asked
// for all that is new, and the view is as old as the moment before that question. The age goes by
// two clocks, whichever says more: the steady one stands still while a machine sleeps, the other
// may be set back. So a server that wakes up does not trust what it knew.

import { setTimeout as delay } from 'node:timers/promises';
import { OperatingError } from '../core/errors.ts';
import { ageMsOf, justNow, never } from '../core/moment.ts';
import type {
  Ending,
  Judged,
  RevocationLog,
  RevocationOptions,
  Spared,
  Standing,
} from './revocation-log.ts';
import { type Kept, View } from './view.ts';

export interface Source extends AsyncDisposable {
  /** Resolves when it is durable. @throws OperatingError `revocation-not-durable` */
  endSession(sessionId: string, until: number): Promise<void>;
  /** See RevocationLog. Resolves when it is durable. @throws OperatingError as above */
  endUser(userId: string, until: number, spared?: Spared): Promise<number>;
  /** The endings of this user and this session. @throws OperatingError `store-unavailable` */
  find(userId: string, sessionId?: string): Promise<readonly Kept[]>;
  /**
   * Tells the view everything that was acknowledged before and that it may lack.
   *
   * @throws OperatingError `store-unavailable`
   */
  poll(): Promise<void>;
}

const startBudgetMs = 5_000;
const retryMs = 100;
/** Of how many polls one may be lost, or late, before the view is too old. */
const pollsPerStaleness = 5;

export class FollowedLog implements RevocationLog {
  readonly #source: Source;
  readonly #view: View;
  readonly #stalenessMs: number;
  readonly #closing = new AbortController();
  #following: Promise<void> | undefined;
  /** When the last poll that succeeded was sent. */
  #asOf = never;

  private constructor(source: Source, view: View, stalenessMs: number) {
    this.#source = source;
    this.#view = view;
    this.#stalenessMs = stalenessMs;
  }

  /** @throws OperatingError `store-unavailable` without a first view in five seconds */
  static async open(
    { stalenessMs }: RevocationOptions,
    sourceFor: (view: View) => Source,
  ): Promise<FollowedLog> {
    const view = new View();
    const log = new FollowedLog(sourceFor(view), view, stalenessMs);
    const deadline = performance.now() + startBudgetMs;
    for (;;) {
      const failure = await log.#poll();
      if (failure === undefined) break;
      if (performance.now() > deadline) {
        await log[Symbol.asyncDispose]();
        throw failure;
      }
      await delay(retryMs);
    }
    log.#following = log.#follow();
    return log;
  }

  async endSession(sessionId: string, until: number): Promise<void> {
    await this.#source.endSession(sessionId, until);
    this.#view.learn({ kind: 'session', sessionId, until });
  }

  async endUser(userId: string, until: number, spared?: Spared): Promise<number> {
    const epoch = await this.#source.endUser(userId, until, spared);
    const except = spared && { except: spared.id };
    if (epoch > 0) this.#view.learn({ kind: 'user', userId, epoch, until, ...except });
    return epoch;
  }

  async epochOf(userId: string): Promise<number> {
    await this.#ask(userId);
    return this.#view.epochOf(userId);
  }

  standing(session: Judged): Standing {
    if (this.#view.hasEnded(session)) return 'ended';
    return this.ageMs() > this.#stalenessMs ? 'stale' : 'stands';
  }

  async ask(session: Judged): Promise<'stands' | 'ended'> {
    if (!this.#view.hasEnded(session)) await this.#ask(session.userId, session.id);
    return this.#view.hasEnded(session) ? 'ended' : 'stands';
  }

  ageMs(): number {
    return ageMsOf(this.#asOf);
  }

  follow(listener: (ending: Ending) => void): Disposable {
    return this.#view.follow(listener);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    await this.#following;
    await this.#source[Symbol.asyncDispose]();
  }

  async #ask(userId: string, sessionId?: string): Promise<void> {
    for (const ending of await this.#source.find(userId, sessionId)) this.#view.learn(ending);
  }

  async #follow(): Promise<void> {
    const { signal } = this.#closing;
    const everyMs = this.#stalenessMs / pollsPerStaleness;
    for (let failed = false; !signal.aborted; ) {
      const restMs = failed ? Math.min(retryMs, everyMs) : everyMs;
      await delay(restMs, undefined, { signal, ref: false }).catch(() => undefined);
      if (!signal.aborted) failed = (await this.#poll()) !== undefined;
    }
  }

  /** Why there is no newer view, if there is none. */
  async #poll(): Promise<unknown> {
    const sentAt = justNow();
    try {
      await this.#source.poll();
      this.#asOf = sentAt;
      return undefined;
    } catch (failure) {
      return failure;
    }
  }
}

/** What was pushed, if it has this form: anybody may push, and the next poll makes up for it. */
export function pushed<T>(
  text: string,
  form: { Check(value: unknown): value is T },
): T | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return form.Check(value) ? value : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

const retryAfterSeconds = 1;

/** For a step that did not surely make an ending durable. */
export async function durably<T>(step: Promise<T>): Promise<T> {
  return step.catch((cause: unknown) => {
    throw new OperatingError('revocation-not-durable', { retryAfterSeconds, cause });
  });
}

/** For a question that was not answered. */
export async function available<T>(step: Promise<T>): Promise<T> {
  return step.catch((cause: unknown) => {
    const detail = 'The log of endings does not answer';
    throw new OperatingError('store-unavailable', { detail, retryAfterSeconds, cause });
  });
}
