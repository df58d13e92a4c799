// Who you are, for as long as a command takes: logs in at the HTTP API, keeps what it is given
// fresh, and logs out again. A password comes from a prompt, a pipe or the environment; the command
// line of a process is no place for it, because everybody can read it.

import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import { errors, OperatingError } from '../core/errors.ts';
import type { TransferCredential } from '../transfer/client.ts';
import { printable } from '../transfer/printable.ts';
import { UsageError } from './exit.ts';

const answerTimeoutMs = 10_000;

export interface LoginOptions {
  /** Where POST /login is, as in http://localhost:3000. */
  readonly api: string;
  readonly user: string;
  readonly ca?: string;
  readonly signal: AbortSignal;
}

export interface Login extends AsyncDisposable {
  credential(): Promise<TransferCredential>;
}

interface Answer {
  readonly accessToken?: string;
  readonly refreshToken?: string;
  readonly expiresInSeconds?: number;
}

/** @throws OperatingError `wrong-credentials`, `no-server`, and whatever else the API answers */
export async function logIn(options: LoginOptions, password: string): Promise<Login> {
  const visit = new Visit(options);
  visit.keep(await visit.post('/login', { username: options.user, password }));
  return visit;
}

class Visit implements Login {
  readonly #options: LoginOptions;
  readonly #cookies = new Map<string, string>();
  #tokens: Answer = {};
  #renewAt = Number.POSITIVE_INFINITY;
  #renewing: Promise<void> | undefined;

  constructor(options: LoginOptions) {
    this.#options = options;
  }

  /** A token that is past half its life is exchanged before it is shown to anybody. */
  async credential(): Promise<TransferCredential> {
    if (performance.now() > this.#renewAt) {
      this.#renewing ??= this.#renew().finally(() => {
        this.#renewing = undefined;
      });
      await this.#renewing;
    }
    const { accessToken } = this.#tokens;
    if (accessToken !== undefined) {
      return { field: 'authorization', value: `Bearer ${accessToken}` };
    }
    return { field: 'cookie', value: this.#cookieLine() };
  }

  keep(answer: Answer): void {
    if (answer.accessToken === undefined) return;
    this.#tokens = { ...this.#tokens, ...answer };
    const { expiresInSeconds = Number.POSITIVE_INFINITY } = answer;
    this.#renewAt = performance.now() + expiresInSeconds * 500;
  }

  async post(path: string, body?: object, signal = this.#options.signal): Promise<Answer> {
    // The library is large, and most commands need no login.
    const { Agent, fetch } = await import('undici');
    const { api, ca } = this.#options;
    await using stack = new AsyncDisposableStack();
    const dispatcher = stack.adopt(
      new Agent(ca === undefined ? {} : { connect: { ca } }),
      (agent) => agent.close(),
    );
    const init = {
      ...({ method: 'POST', redirect: 'error', dispatcher, headers: this.#headers(body) } as const),
      signal: AbortSignal.any([signal, AbortSignal.timeout(answerTimeoutMs)]),
      ...(body && { body: JSON.stringify(body) }),
    };
    const response = await fetch(api.replace(/\/$/, '') + path, init).catch((cause: unknown) => {
      signal.throwIfAborted();
      throw new OperatingError('no-server', { detail: `${api} cannot be reached`, cause });
    });
    for (const line of response.headers.getSetCookie()) this.#keepCookie(line);
    const text = await response.text();
    if (!response.ok) throw refusal(`${this.#options.user} at ${api}`, response.status, text);
    return text === '' ? {} : (parsed(text) as Answer);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.post('/logout', undefined, AbortSignal.timeout(answerTimeoutMs)).catch(
      (error: unknown) => {
        const why = error instanceof Error ? error.message : String(error);
        console.error(`! ${this.#options.user} could not be logged out: ${why}`);
      },
    );
  }

  async #renew(): Promise<void> {
    const { refreshToken } = this.#tokens;
    this.keep(await this.post('/refresh', { ...(refreshToken && { refreshToken }) }));
  }

  #keepCookie(line: string): void {
    const [, name, value] = /^([^=;]+)=([^;]*)/.exec(line) ?? [];
    if (name !== undefined && value !== undefined) this.#cookies.set(name.trim(), value.trim());
  }

  #cookieLine(): string {
    return [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; ');
  }

  #headers(body: object | undefined): Record<string, string> {
    const { accessToken } = this.#tokens;
    return {
      ...(body && { 'content-type': 'application/json' }),
      ...(accessToken && { authorization: `Bearer ${accessToken}` }),
      ...(this.#cookies.size > 0 && { cookie: this.#cookieLine() }),
    };
  }
}

/** An RFC 9457 problem of ours, or the answer of something else. */
function refusal(whom: string, status: number, text: string): OperatingError {
  const { code, detail, title } = parsed(text) as Record<string, unknown>;
  const known = Object.keys(errors).find((each) => each === code) as
    | keyof typeof errors
    | undefined;
  const said = [detail, title].find((each) => typeof each === 'string') ?? `HTTP status ${status}`;
  return new OperatingError(known ?? 'no-server', {
    detail: `${whom}: ${printable(String(said))}`,
  });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) ?? {};
  } catch {
    return {};
  }
}

/** @param stdinIsTaken by what is to be sent */
export async function readPassword(
  user: string,
  { signal, stdinIsTaken }: { signal: AbortSignal; stdinIsTaken: boolean },
): Promise<string> {
  const given = process.env.SESSIONLAB_PASSWORD;
  if (given !== undefined) return given;
  if (stdinIsTaken) {
    throw new UsageError('stdin is what is sent: give the password in SESSIONLAB_PASSWORD.');
  }
  const isAsked = process.stdin.isTTY === true;
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input: process.stdin, output: nowhere, terminal: isAsked });
  // Only now does the terminal show nothing of what is typed.
  if (isAsked) process.stderr.write(`Password of ${printable(user)}: `);
  // There Ctrl-C is a key like others, too.
  lines.on('SIGINT', () => process.kill(process.pid, 'SIGINT'));
  const ended = new Promise<string>((resolve) => lines.once('close', () => resolve('')));
  try {
    const password = await Promise.race([lines.question('', { signal }), ended]);
    if (password === '') throw new UsageError('No password was given.');
    return password;
  } finally {
    lines.close();
    process.stdin.pause();
    if (isAsked) process.stderr.write('\n');
  }
}
