// One virtual client: a cookie jar, an address of its own where the platform has some, and the
// record of all it does. It keeps the credentials of sessions that it ended, to present them again
// as a thief would. It retries nothing: a client that retries hides what a server did.

import { hash } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { Agent, request } from 'undici';
import { isTransfer, type Operation, type Transfer } from '../core/history.ts';
import type { Step } from '../workloads/workload.ts';
import type { Doors } from './cluster.ts';
import { type Asked, contentOf, transfer } from './file-client.ts';
import { type Carried, clearsSession, forged, Jar, type RequestLine, requestLine } from './jar.ts';
import { type Exchange, isSuccess, outcomeOf } from './outcome.ts';
import { hashOf, type Recorder } from './recorder.ts';

/** Long enough that a busy machine is not taken for a silent server. */
const answerTimeoutMs = 5_000;

export interface ClientOptions {
  readonly name: string;
  readonly user: string;
  readonly password: string;
  /** Tells clients apart by address. */
  readonly number: number;
  readonly doors: Doors;
  readonly recorder: Recorder;
  /** The ids of files by name, shared with others, so that they may try them; absent: its own. */
  readonly files?: Map<string, string>;
}

interface Held {
  readonly carried: Carried;
  readonly sess: string;
}

interface Got extends Exchange {
  readonly headers: IncomingHttpHeaders;
  readonly body: Readonly<Record<string, unknown>>;
  readonly requestId?: string | undefined;
  readonly tHdr?: number;
}

const endings: ReadonlySet<Operation> = new Set(['logout', 'logout-everywhere']);

export class Client implements AsyncDisposable {
  readonly name: string;
  readonly #options: ClientOptions;
  readonly #agent: Agent;
  readonly #jar = new Jar();
  readonly #ended: Held[] = [];
  /** The login whose credential is in the jar. */
  #sess: string | null = null;
  #logins = 0;
  /** The latest answer that showed it took the client for nobody. */
  #isUnknown = false;
  readonly #files: Map<string, string>;
  readonly #sent = new Map<string, Step>();

  constructor(options: ClientOptions) {
    this.name = options.name;
    this.#options = options;
    this.#files = options.files ?? new Map();
    this.#agent = new Agent({ connect: addressOf(options.number) });
  }

  get user(): string {
    return this.#options.user;
  }

  /** The login whose credential is in the jar. */
  get sess(): string | null {
    return this.#held()?.sess ?? null;
  }

  /** Takes what another one of the same user carries now, and leaves it there, too. */
  steal(other: Client): void {
    this.#jar.copy(other.#jar);
    this.#sess = other.#sess;
  }

  get isLoggedIn(): boolean {
    return this.#held() !== undefined;
  }

  /** All files that it was to send, as steps that send them again. */
  get sent(): readonly Step[] {
    return [...this.#sent.values()];
  }

  get hasEnded(): boolean {
    return this.#ended.length > 0;
  }

  /**
   * Does the step and records it. A step whose credential this client does not have is not made.
   */
  async perform(step: Step, lane: number, tPlan: number): Promise<void> {
    const { recorder, doors, user, password } = this.#options;
    const { f } = step;
    if (isTransfer(f)) {
      await this.#transfer(f, step, lane, tPlan);
      return;
    }
    if (step.again && this.isLoggedIn && !this.#isUnknown) return;
    const held = step.f === 'replay' ? this.#ended.at(-1) : this.#held();
    if (held === undefined && step.f !== 'login') return;
    const carried = held && step.f === 'forge' ? forged(held.carried) : held?.carried;
    const server = step.server === undefined ? undefined : doors.server(step.server);
    const i = recorder.invoke({
      f: step.f,
      client: this.name,
      lane,
      user,
      sess: step.f === 'forge' ? null : (held?.sess ?? null),
      cred: carried === undefined ? null : hashOf(carried.text),
      to: server?.name ?? 'gateway',
      ...(step.key !== undefined && { key: step.key }),
      ...(step.val !== undefined && { val: step.val }),
      tPlan,
    });
    const foreign = step.f === 'replay' || step.f === 'forge';
    const headers = foreign && carried ? Object.fromEntries([carried.header]) : this.#jar.headers();
    const speaker = { user, password, refreshToken: this.#jar.refreshToken };
    const origin = server === undefined ? doors.gatewayUrl : server.url;
    const got =
      origin === undefined
        ? nothing('ECONNREFUSED')
        : await this.#exchange(origin, requestLine(step, f, speaker), headers);
    const begun = foreign ? {} : this.#learn(step.f, held, got);
    const shown = seen(got, user);
    if (!foreign && shown.seen) this.#isUnknown = shown.seen.user === null;
    recorder.complete({
      t: outcomeOf(step.f, got),
      i,
      status: got.status,
      server: text(got.headers['x-served-by']) ?? null,
      ...shown,
      ...begun,
      ...(got.requestId !== undefined && { req: got.requestId }),
      ...(got.reason !== undefined && { reason: got.reason }),
      ...(!endings.has(step.f) && clearsSession(got.headers) && { cleared: true }),
      ...(got.retryAfter && { retryAfter: true }),
      ...(got.tHdr !== undefined && { tHdr: got.tHdr }),
      ...(got.tries !== undefined && { tries: got.tries }),
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#agent.destroy();
  }

  async #transfer(f: Transfer, step: Step, lane: number, tPlan: number): Promise<void> {
    const { recorder, doors, user } = this.#options;
    const held = this.#held();
    const { transferUrl } = doors.server(0);
    const { key = '', val = 0 } = step;
    const id = this.#files.get(key);
    if (f === 'send') this.#sent.set(key, step);
    if (held === undefined || transferUrl === undefined) return;
    if (f === 'fetch' && id === undefined) return;
    const content = f === 'send' ? contentOf(key, val) : undefined;
    const i = recorder.invoke({
      ...{ f, client: this.name, lane, user, sess: held.sess, cred: hashOf(held.carried.text) },
      to: 'transfer',
      ...(f !== 'list' && { key }),
      ...(content && { val, sha256: hash('sha256', content) }),
      tPlan,
    });
    const asked: Asked = content
      ? { f: 'send', name: key, content }
      : id !== undefined
        ? { f: 'fetch', id }
        : { f: 'list' };
    const told = await transfer(transferUrl, held.carried, asked);
    if (told.seen) this.#isUnknown = told.seen.user === null;
    const [receipt] = told.seen?.files ?? [];
    if (f === 'send' && receipt) this.#files.set(key, receipt.id);
    recorder.complete({ i, server: null, ...told });
  }

  #held(): Held | undefined {
    const { carried } = this.#jar;
    return carried === null || this.#sess === null ? undefined : { carried, sess: this.#sess };
  }

  async #exchange(
    origin: string,
    { method, path, body }: RequestLine,
    headers: Record<string, string>,
  ): Promise<Got> {
    let head: Got | undefined;
    try {
      const answer = await request(`${origin}${path}`, {
        method,
        dispatcher: this.#agent,
        signal: AbortSignal.timeout(answerTimeoutMs),
        headers: { ...headers, ...(body && { 'content-type': 'application/json' }) },
        body: body ? JSON.stringify(body) : null,
      });
      const tries = text(answer.headers['x-gateway-tries']);
      head = {
        ...nothing('truncated'),
        status: answer.statusCode,
        headers: answer.headers,
        retryAfter: answer.headers['retry-after'] !== undefined,
        requestId: text(answer.headers['x-request-id']),
        tHdr: this.#options.recorder.now(),
        tries: tries === undefined ? undefined : Number(tries),
      };
      const { reason: _, ...rest } = head;
      const whole = members(await answer.body.text());
      return { ...rest, ...problemCode(whole), complete: true, body: whole };
    } catch (error) {
      return head ?? nothing(codeOf(error));
    }
  }

  /** Takes from the answer what a browser or an app would, and says what it began or issued. */
  #learn(f: Operation, before: Held | undefined, got: Got): { sess?: string; set?: string } {
    const accepted = got.complete && got.status !== null && isSuccess(got.status);
    if (endings.has(f) && before && (accepted || outcomeOf(f, got) === 'info')) {
      this.#ended.push(before);
    }
    // The late answer of another lane must not bring back what a logout has put away.
    if (f !== 'login' && before?.sess !== this.#sess) return {};
    this.#jar.takeCookies(got.headers);
    if (!accepted) return {};
    if (endings.has(f)) {
      this.#jar.dropTokens();
      this.#sess = null;
      return {};
    }
    this.#jar.takeTokens(got.headers, got.body);
    const after = this.#jar.carried;
    if (after === null || after.text === before?.carried.text) return {};
    if (f !== 'login') return { set: hashOf(after.text) };
    this.#logins += 1;
    this.#sess = `${this.name}.${this.#logins}`;
    return { sess: this.#sess, set: hashOf(after.text) };
  }
}

/** What the answer says of its reader. A cart that does not name its owner is the asker's own. */
function seen({ status, complete, body }: Got, asker: string) {
  if (!complete || status === null) return {};
  if (status === 401) return { seen: { user: null } };
  if (!isSuccess(status)) return {};
  const user = text(body.username) ?? asker;
  const cart = body.items;
  return { seen: isCart(cart) ? { user, cart } : { user } };
}

function isCart(value: unknown): value is Record<string, number> {
  return typeof value === 'object' && value !== null;
}

function nothing(reason: string): Got {
  const refused = reason === 'ECONNREFUSED' || reason === 'UND_ERR_CONNECT_TIMEOUT';
  const empty = { status: null, retryAfter: false, complete: false, tries: undefined };
  return { ...empty, refused, headers: {}, body: {}, reason };
}

function problemCode(body: Readonly<Record<string, unknown>>): { reason?: string } {
  const code = text(body.code);
  return code === undefined ? {} : { reason: code };
}

function members(body: string): Readonly<Record<string, unknown>> {
  if (body === '') return {};
  const parsed: unknown = JSON.parse(body);
  return typeof parsed === 'object' && parsed !== null ? { ...parsed } : {};
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown';
  if (error.name === 'TimeoutError') return 'timeout';
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name;
}

/** Linux answers on all of 127.0.0.0/8; elsewhere every client has the one loopback address. */
function addressOf(number: number): { localAddress?: string } {
  if (process.platform !== 'linux') return {};
  return { localAddress: `127.0.${1 + Math.floor(number / 250)}.${1 + (number % 250)}` };
}
