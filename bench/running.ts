// A subject as a process: started with an IPC channel, asked for its CPU time, logged in to once.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Subject } from './subjects.ts';

export interface Running extends AsyncDisposable {
  readonly name: string;
  readonly url: string;
  /** What an authenticated request carries. */
  readonly headers: Readonly<Record<string, string>>;
  /** User and system time that the process has spent, in microseconds. */
  cpuMicros(): Promise<number>;
}

/** @throws Error when the subject does not start or does not recognise its own login. */
export async function start({ name, entry, env }: Subject, pin: boolean): Promise<Running> {
  const node = [process.execPath, '--import', './bench/cpu-time.ts', entry];
  const [program = '', ...args] = pin ? ['taskset', '-c', '0', ...node] : node;
  const child = spawn(program, args, {
    env: { ...process.env, NODE_ENV: 'production', ...env },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const url = await readyUrl(child, name);
  const headers = await logIn(url);
  const { status } = await fetch(`${url}/dashboard`, { headers });
  if (status !== 200) throw new Error(`${name} answers ${status} to its own login`);
  return {
    name,
    url,
    headers,
    async cpuMicros() {
      child.send('cpu-time');
      const [{ user, system }] = await once(child, 'message');
      return user + system;
    },
    async [Symbol.asyncDispose]() {
      const gone = once(child, 'exit');
      child.kill('SIGKILL');
      await gone;
    },
  };
}

async function readyUrl(child: ChildProcess, name: string): Promise<string> {
  const ready = once(child, 'message').then(([message]) => message.url as string);
  const died = once(child, 'exit').then(() => {
    throw new Error(`${name} did not start`);
  });
  return Promise.race([ready, died]);
}

async function logIn(url: string): Promise<Record<string, string>> {
  const post = (path: string) =>
    fetch(url + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ username: 'alice', password: 'correct horse' }),
    });
  await post('/register');
  const answer = await post('/login');
  const text = await answer.text();
  const { accessToken } = text.startsWith('{') ? JSON.parse(text) : {};
  if (accessToken !== undefined) return { authorization: `Bearer ${accessToken}` };
  // Ours gives a second one, for the device, which only a login looks at.
  const cookie = answer.headers.getSetCookie()[0]?.split(';')[0];
  return cookie === undefined ? {} : { cookie };
}
