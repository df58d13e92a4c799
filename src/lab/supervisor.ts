// Looks after the server processes of a run: starts them with an IPC channel, knows when each is
// ready, and ends them all when the run ends, however that comes about. Should the lab itself be
// killed, the channel closes and the servers leave by themselves; a paused one cannot notice that,
// so a small watcher that outlives the lab wakes it. A server that dies without being told to is a
// finding of the run, not a failure of the lab.

import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, type WriteStream } from 'node:fs';
import { availableParallelism } from 'node:os';
import { createInterface } from 'node:readline';
import { OperatingError } from '../core/errors.ts';
import { Gate } from '../core/gate.ts';

const readyTimeoutMs = 30_000;
/** Longer than the five seconds that a server gives its requests in flight. */
const stopTimeoutMs = 8_000;
const lastLinesKept = 12;
const rememberTimeoutMs = 1_000;

/**
 * Starting is the heaviest thing that a server does. All runs share this gate, so that users at
 * work compete with as many starting servers as there are processors, and not with all of them.
 */
const starting = new Gate(availableParallelism());

export interface Launch {
  readonly name: string;
  /** The program, a module that Node can run. */
  readonly entry: string;
  readonly env: NodeJS.ProcessEnv;
  /** Once it is aborted nothing is started any more. */
  readonly signal?: AbortSignal | undefined;
}

/** What a server remembers by itself, in its own memory. */
export interface Remembering {
  /** The newest of them. */
  readonly sessions: readonly { readonly handle: string; readonly user: string }[];
  readonly inAll: number;
}

export interface Supervised {
  readonly pid: number;
  readonly url: string;
  /** Resolves, when the process is gone, with how it ended. */
  readonly gone: Promise<string>;
  /** Asks the process; undefined when it does not answer soon. */
  remembers(): Promise<Remembering | undefined>;
  /** Where it takes files, if it does: 'tcp://127.0.0.1:40125'. */
  readonly transferUrl: string | undefined;
  kill(): Promise<void>;
  stop(): Promise<void>;
  pause(): void;
  resume(): void;
}

export interface Supervisor extends AsyncDisposable {
  /** Resolves when it is ready; rejects with its last words when it is not. */
  launch(launch: Launch): Promise<Supervised>;
  /** Servers that died by themselves: 's2 died by itself: SIGSEGV'. */
  readonly findings: readonly string[];
}

/** @param logFile where all servers' output goes, each line after the server's name. */
export function openSupervisor(logFile: string): Supervisor {
  const log = createWriteStream(logFile, { flags: 'a' });
  const alive = new Set<Ward>();
  const findings: string[] = [];
  const killAll = () => {
    for (const ward of alive) ward.child.kill('SIGKILL');
  };
  process.once('exit', killAll);
  return {
    findings,
    launch: (launch) =>
      starting.pass(async () => {
        launch.signal?.throwIfAborted();
        const ward = new Ward(launch, log);
        alive.add(ward);
        ward.gone.then((how) => {
          alive.delete(ward);
          if (!ward.toldToEnd) findings.push(`${launch.name} died by itself: ${how}`);
        });
        await ward.ready();
        return ward;
      }),
    async [Symbol.asyncDispose]() {
      await Promise.all([...alive].map((ward) => ward.kill()));
      process.off('exit', killAll);
      await new Promise<void>((resolve) => log.end(resolve));
    },
  };
}

/** One process in the supervisor's care. */
class Ward implements Supervised {
  readonly child: ChildProcess;
  readonly gone: Promise<string>;
  toldToEnd = false;
  url = '';
  transferUrl: string | undefined;
  readonly #name: string;
  readonly #lastLines: string[] = [];
  #watcher: ChildProcess | undefined;

  constructor({ name, entry, env }: Launch, log: WriteStream) {
    this.#name = name;
    this.child = spawn(process.execPath, [entry], {
      env,
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      windowsHide: true,
    });
    this.gone = new Promise((resolve) => {
      // Not its exit, after which there may be more of its output.
      this.child.once('close', (code, signal) => resolve(signal ?? `exit status ${code}`));
      this.child.once('error', (error) => resolve(error.message));
    });
    for (const stream of [this.child.stdout, this.child.stderr]) {
      assert(stream, 'the output of a server is piped');
      createInterface(stream).on('line', (line) => {
        this.#lastLines.push(line);
        if (this.#lastLines.length > lastLinesKept) this.#lastLines.shift();
        if (log.writable) log.write(`${name} ${line}\n`);
      });
    }
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  async ready(): Promise<void> {
    const giveUp = AbortSignal.timeout(readyTimeoutMs);
    const told = new Promise<string>((resolve) => {
      this.child.on('message', (message: { t?: unknown; url?: unknown; transferUrl?: string }) => {
        if (message.t !== 'ready') return;
        this.transferUrl = message.transferUrl;
        resolve(String(message.url));
      });
    });
    const tooLate = once(giveUp, 'abort').then(() => `not ready after ${readyTimeoutMs} ms`);
    const failed = Promise.race([this.gone, tooLate]).then((why) => ({ why }));
    const first = await Promise.race([told, failed]);
    if (typeof first === 'string') {
      this.url = first;
      return;
    }
    await this.kill();
    const words = this.#lastLines.join('\n  ');
    const detail = `server ${this.#name} did not start: ${first.why}\n  ${words}`;
    throw new OperatingError('no-server', { detail });
  }

  async remembers(): Promise<Remembering | undefined> {
    const answered = Promise.withResolvers<Remembering>();
    const hear = (message: { t?: unknown } & Remembering) => {
      if (message.t === 'remembers') answered.resolve(message);
    };
    this.child.on('message', hear);
    this.child.send({ t: 'remembers' }, () => undefined);
    const giveUp = AbortSignal.timeout(rememberTimeoutMs);
    const silence = once(giveUp, 'abort').then(() => undefined);
    const first = await Promise.race([answered.promise, silence, this.gone.then(() => undefined)]);
    this.child.off('message', hear);
    return first;
  }

  async kill(): Promise<void> {
    this.toldToEnd = true;
    this.child.kill('SIGKILL');
    this.#watcher?.kill('SIGKILL');
    await this.gone;
  }

  /** A server that does not go in time is killed; the log then lacks its farewell. */
  async stop(): Promise<void> {
    this.toldToEnd = true;
    const insist = setTimeout(() => this.child.kill('SIGKILL'), stopTimeoutMs);
    this.child.kill('SIGTERM');
    await this.gone;
    clearTimeout(insist);
  }

  pause(): void {
    const wake = `trap '' HUP INT TERM; read _; kill -CONT ${this.pid}`;
    this.#watcher = spawn('/bin/sh', ['-c', wake], { stdio: ['pipe', 'ignore', 'ignore'] });
    this.#watcher.once('error', () => undefined);
    this.child.kill('SIGSTOP');
  }

  resume(): void {
    this.child.kill('SIGCONT');
    this.#watcher?.kill('SIGKILL');
    this.#watcher = undefined;
  }
}
