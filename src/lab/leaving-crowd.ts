// Users who leave, in waves: each logs in, is known to every server, and logs out at one of them;
// from then on all are asked, past the gateway. With the path cut, the last server loses its way to
// whatever the servers share, in silence, before the wave logs out at the others; it is asked on
// while the way comes back, when a view that is old is easily trusted.

import { setTimeout as delay } from 'node:timers/promises';
import { Agent, type Dispatcher, request } from 'undici';
import { type Random, seededRandom } from '../core/random.ts';
import { chase, type Door, type Ended, present, type Tally } from './chase.ts';
import type { Cluster } from './cluster.ts';
import { Jar } from './jar.ts';
import { usersMax } from './lab.ts';
import type { LagOptions, Measured, Path } from './revocation-lag.ts';

/** More at once would ask more of a small machine than it can answer. */
const waveMax = 600;
const spreadMsMin = 1_000;
const usersAtOnce = 16;
/** While so many requests are under way nobody logs out: an overload is not what is measured. */
const underWayMax = 64;
const retryMs = 250;
const recoveryMs = 30_000;
const answerTimeoutMs = 10_000;

interface Login {
  readonly headers: Readonly<Record<string, string>>;
  readonly at: number;
}

interface Answer {
  readonly status: number | undefined;
  readonly jar: Jar;
}

/** Logs in, is known everywhere, logs out, and asks every server until it refuses. */
export class LeavingCrowd implements AsyncDisposable {
  readonly ended: Ended[] = [];
  readonly tally: Tally = { requests: 0, accepted: 0, unavailable: 0, unanswered: 0 };
  readonly #cluster: Cluster;
  readonly #password: string;
  readonly #measured: Measured;
  readonly #path: Path;
  readonly #random: Random;
  readonly #spreadMs: number;
  readonly #signal: AbortSignal;
  readonly #agent = new Agent();
  readonly #doors: readonly Door[];
  #logins = 0;
  #underWay = 0;

  constructor(
    cluster: Cluster,
    password: string,
    chosen: Measured,
    { path, seed, signal }: LagOptions,
  ) {
    this.#cluster = cluster;
    this.#password = password;
    this.#measured = chosen;
    this.#path = path;
    this.#random = seededRandom(seed);
    this.#spreadMs = Math.max(path === 'cut' ? chosen.boundMs : 0, spreadMsMin);
    this.#signal = signal;
    this.#doors = cluster.servers().map((_, index) => async (headers) => {
      return (await this.#ask(index, 'GET', '/me', headers)).status;
    });
  }

  /** Until so many have. Rejects when the signal calls it off. */
  async leave(revokes: number, onProgress?: (done: number) => void): Promise<void> {
    while (this.ended.length < revokes) {
      await this.#wave(revokes - this.ended.length);
      onProgress?.(this.ended.length);
    }
  }

  /** Adds as many to `ended` as one wave has, or fewer. */
  async #wave(most: number): Promise<void> {
    const size = Math.min(most, waveMax);
    const ended = await (this.#path === 'cut' ? this.#cutWave(size) : this.#healthyWave(size));
    this.ended.push(...ended.filter((each) => each !== undefined));
  }

  #healthyWave(size: number) {
    return Promise.all(
      Array.from({ length: size }, async () => {
        await this.#moment();
        const login = await this.#logIn();
        await this.#visitAll(login);
        return this.#leave(login);
      }),
    );
  }

  /** All have come before the last server is cut off, and all have left before it is mended. */
  async #cutWave(size: number) {
    const logins = await inLanes(Array.from({ length: size }), () => this.#logIn());
    const witness = await this.#logIn();
    await inLanes(logins, (login) => this.#visitAll(login));
    this.#signal.throwIfAborted();
    const server = this.#cluster.servers().at(-1);
    const link = server && this.#cluster.storeLink(server);
    link?.cut();
    const ended = await Promise.all(
      logins.map(async (login) => {
        await this.#moment();
        return this.#leave(login);
      }),
    );
    link?.heal();
    await this.#askUntilBack(
      ended.filter((each) => each !== undefined),
      witness,
    );
    return ended;
  }

  /** Asks the server that was cut off for the dead, until it knows the living, and once more. */
  async #askUntilBack(dead: readonly Ended[], witness: Login): Promise<void> {
    const door = this.#doors.at(-1) ?? (async () => undefined);
    const askAll = () => inLanes(dead, (each) => present(each, door, this.tally));
    const deadline = performance.now() + recoveryMs;
    for (let isBack = false; !isBack; ) {
      await askAll();
      isBack = (await door(witness.headers)) === 200;
      if (performance.now() > deadline) throw new Error('the server that was cut off stays so');
      await delay(10, undefined, { signal: this.#signal });
    }
    await askAll();
  }

  /** Some moment of the wave, and one in which not too much is under way. */
  async #moment(): Promise<void> {
    const restMs = this.#random.next() * this.#spreadMs;
    await delay(restMs, undefined, { signal: this.#signal });
    await this.#calm();
  }

  async #calm(): Promise<void> {
    while (this.#underWay > underWayMax) await delay(5, undefined, { signal: this.#signal });
  }

  async #visitAll({ headers }: Login): Promise<void> {
    await Promise.all(this.#doors.map((door) => door(headers)));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#agent.destroy();
  }

  async #logIn(): Promise<Login> {
    const username = `user${1 + (this.#logins++ % usersMax)}`;
    const body = JSON.stringify({ username, password: this.#password });
    return this.#insist('login', async () => {
      const server = this.#random.below(this.#doors.length);
      const headers = { 'content-type': 'application/json' };
      const at = performance.now();
      const { status, jar } = await this.#ask(server, 'POST', '/login', headers, body);
      const { carried } = jar;
      if (status !== 200 || carried === null) return undefined;
      return { headers: Object.fromEntries([carried.header]), at };
    });
  }

  /** Undefined when the credential expired before. */
  async #leave({ headers, at }: Login): Promise<Ended | undefined> {
    const { boundMs, expires } = this.#measured;
    const there = this.#doors.length - (this.#path === 'cut' ? 1 : 0);
    const ended = await this.#insist('logout', async () => {
      const { status } = await this.#ask(this.#random.below(there), 'POST', '/logout', headers);
      return status === 204 ? { headers, at: performance.now(), lagMs: undefined } : undefined;
    });
    if (expires && ended.at - at > boundMs) return undefined;
    const patience = {
      pauseMs: Math.max(boundMs / 10, 50),
      giveUpMs: 2 * boundMs + 1_000,
      signal: this.#signal,
    };
    await Promise.all(this.#doors.map((door) => chase(ended, door, this.tally, patience)));
    return ended;
  }

  /** Until it is acknowledged: a store that is busy for a moment is asked again. */
  async #insist<T>(what: string, step: () => Promise<T | undefined>): Promise<T> {
    const deadline = performance.now() + recoveryMs;
    for (;;) {
      this.#signal.throwIfAborted();
      const got = await step();
      if (got !== undefined) return got;
      if (performance.now() > deadline) throw new Error(`no ${what} was acknowledged for long`);
      await delay(retryMs, undefined, { signal: this.#signal });
      await this.#calm();
    }
  }

  async #ask(
    server: number,
    method: Dispatcher.HttpMethod,
    path: string,
    headers: Readonly<Record<string, string>>,
    body: string | null = null,
  ): Promise<Answer> {
    const jar = new Jar();
    const url = `${this.#cluster.server(server).url}${path}`;
    const options = { method, headers, body, dispatcher: this.#agent };
    const limits = { headersTimeout: answerTimeoutMs, bodyTimeout: answerTimeoutMs };
    this.#underWay += 1;
    try {
      const answer = await request(url, { ...options, ...limits });
      if (body === null) await answer.body.dump();
      else jar.takeTokens(answer.headers, (await answer.body.json()) as Record<string, unknown>);
      jar.takeCookies(answer.headers);
      return { status: answer.statusCode, jar };
    } catch {
      return { status: undefined, jar };
    } finally {
      this.#underWay -= 1;
    }
  }
}

/** As many at once as there are users, in order. */
async function inLanes<From, To>(
  items: readonly From[],
  work: (item: From) => Promise<To>,
): Promise<To[]> {
  const done: To[] = [];
  const waiting = items.entries();
  const lane = async () => {
    for (const [index, item] of waiting) done[index] = await work(item);
  };
  await Promise.all(Array.from({ length: usersAtOnce }, lane));
  return done;
}
