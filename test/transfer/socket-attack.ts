// Sends streams that are wrong somewhere to a real server in a process of its own, over as many
// connections, and never hangs up first: each must hear an error within the server's deadline. Some
// are torn off instead. Afterwards the server must be as it was, and its folder must hold a vault
// in which every file is whole, and nothing beside it.

import { type ChildProcess, fork } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtempDisposable, readdir, readFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterTime } from '../../src/core/deadline.ts';
import { type Random, seededRandom } from '../../src/core/random.ts';
import { decode, decodeHeader, type Frame, headerBytes } from '../../src/transfer/frame.ts';
import { problemOf } from '../../src/transfer/problems.ts';
import { preyOf, type Quarry, quarries, split } from './frame-attack.ts';
import { mutations } from './frame-mutations.ts';
import type { Told } from './server-process.ts';

export interface SocketAttack {
  readonly connections: number;
  /** By the code of the last error that was heard; `torn off` by ourselves. */
  readonly byOutcome: Readonly<Record<string, number>>;
  readonly slowestMs: number;
  readonly grownBytes: number;
  readonly filesStored: number;
  readonly wrong: readonly string[];
}

const atOnce = 50;
const wrongMax = 20;
/** The server's idle time is half a second; the rest is for a machine that has much to do. */
const deadlineMs = 10_000;

export async function socketAttack(
  count: number,
  seed: string,
  progress: (connections: number) => void = () => undefined,
): Promise<SocketAttack> {
  const random = seededRandom(`${seed}/sockets`);
  await using ground = await mkdtempDisposable(join(tmpdir(), 'transfer-attack-'));
  await using target = await startTarget(ground.path);
  const herd = quarries(random.below(2 ** 31));
  const byOutcome: Record<string, number> = {};
  const wrong = target.troubles;
  let [connections, slowestMs] = [0, 0];
  const attacker = async (until: number) => {
    while (connections < until && wrong.length < wrongMax) {
      connections += 1;
      if (connections % 1_000 === 0) progress(connections);
      const startedMs = performance.now();
      const outcome = await assail(target.port, herd, random.fork(String(connections)));
      slowestMs = Math.max(slowestMs, performance.now() - startedMs);
      byOutcome[outcome.is] = (byOutcome[outcome.is] ?? 0) + 1;
      if (outcome.wrong !== undefined) wrong.push(outcome.wrong);
    }
  };
  const assault = (until: number) =>
    Promise.all(Array.from({ length: atOnce }, () => attacker(until)));
  await assault(Math.ceil(count / 4));
  const before = await target.memory();
  await assault(count);
  const after = await target.memory();
  if (after.connections > 0) wrong.push(`${after.connections} connections are still open`);
  const { filesStored, strange } = await searched(ground.path);
  const grownBytes = after.bytes - before.bytes;
  return {
    connections,
    byOutcome,
    slowestMs,
    grownBytes,
    filesStored,
    wrong: [...wrong, ...strange],
  };
}

async function startTarget(ground: string) {
  const [cwd, vault] = [join(ground, 'cwd'), join(ground, 'vault')];
  await mkdir(cwd);
  const program = join(import.meta.dirname, 'server-process.ts');
  const child = fork(program, [vault], { cwd, stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  const troubles: string[] = [];
  child.on('message', (told: Told) => {
    if (told.t === 'trouble') troubles.push(told.text);
  });
  const exited = once(child, 'exit').then(([code, signal]) => {
    troubles.push(`the server ended: ${code ?? signal}`);
  });
  const ready = await heard(child, 'ready');
  return {
    port: Number(new URL(ready.url).port),
    troubles,
    /** When it is rid of all who were there, or late. */
    memory: async () => {
      const untilMs = performance.now() + deadlineMs;
      for (;;) {
        const answer = heard(child, 'memory');
        child.send('memory');
        const memory = await answer;
        if (memory.connections === 0 || performance.now() > untilMs) return memory;
        await delay(50);
      }
    },
    async [Symbol.asyncDispose]() {
      if (child.connected) child.disconnect();
      await exited;
    },
  };
}

async function heard<T extends Told['t']>(child: ChildProcess, t: T) {
  const { promise, resolve, reject } = Promise.withResolvers<Extract<Told, { t: T }>>();
  const listen = (told: Told) => {
    if (told.t === t) resolve(told as Extract<Told, { t: T }>);
  };
  const gone = () => reject(new Error('the server ended'));
  child.on('message', listen).once('exit', gone);
  try {
    return await promise;
  } finally {
    child.off('message', listen).off('exit', gone);
  }
}

async function assail(port: number, herd: readonly Quarry[], random: Random) {
  const [family, mutate] = random.pick(Object.entries(mutations));
  const stream = mutate(preyOf(random.pick(herd), 'server', herd, random), random);
  const isTornOff = random.below(8) === 0;
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  const chunks: Buffer[] = [];
  const closed = Promise.withResolvers<void>();
  let isLate = false;
  socket
    .on('data', (chunk) => chunks.push(chunk))
    .on('error', () => undefined)
    .on('close', () => closed.resolve());
  using _ = afterTime(deadlineMs, () => {
    isLate = true;
    socket.destroy();
  });
  for (const chunk of split(stream, random)) socket.write(chunk);
  if (isTornOff) setImmediate(() => socket.resetAndDestroy());
  await closed.promise;
  const is = isTornOff ? 'torn off' : outcomeOf(Buffer.concat(chunks));
  const isWrong = isLate || is === 'nothing';
  return isWrong ? { is, wrong: `${family}: ${is}: ${stream.toString('hex')}` } : { is };
}

/** The error that was said last; that nothing comes after it is part of it. */
function outcomeOf(answer: Buffer): string {
  let last: Frame | undefined;
  for (let at = 0; at < answer.length; ) {
    const { kind, bytes } = decodeHeader(answer.subarray(at, at + headerBytes));
    const end = at + headerBytes + bytes;
    last = decode(kind, answer.subarray(at + headerBytes, end));
    at = end;
  }
  return last?.kind === 'error' ? problemOf(last).code : 'nothing';
}

/** Whatever is where it should not be, or is not what it says. */
async function searched(ground: string) {
  const strange: string[] = [];
  const expected = ['cwd', 'vault', /^vault\/[^/]+$/, /^vault\/(incoming|removed)\//];
  const stored = /^vault\/files\/[0-9a-f]{32}(\/(content|record\.json))?$/;
  for (const path of await readdir(ground, { recursive: true })) {
    const isExpected = [...expected, stored].some((each) =>
      typeof each === 'string' ? each === path : each.test(path),
    );
    if (!isExpected) strange.push(`there is ${path}`);
  }
  const files = await readdir(join(ground, 'vault', 'files'));
  for (const id of files) {
    const folder = join(ground, 'vault', 'files', id);
    const record = JSON.parse(await readFile(join(folder, 'record.json'), 'utf8')) as unknown;
    const content = await readFile(join(folder, 'content'));
    const sha256 = createHash('sha256').update(content).digest('hex');
    if (!JSON.stringify(record).includes(sha256)) strange.push(`${id} is not what it says`);
  }
  return { filesStored: files.length, strange };
}
