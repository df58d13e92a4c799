// Feeds so many streams that are wrong somewhere to the receivers of both sides, each as a whole
// and split at random, and notes whatever should not be: a crash, actions that depend on the split,
// a frame that is taken though other bytes were sent, a refusal that cannot be said.

import { isDeepStrictEqual } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { type Random, seededRandom } from '../../src/core/random.ts';
import type { Side } from '../../src/transfer/conversation.ts';
import { errorFrame } from '../../src/transfer/problems.ts';
import { type Action, Receiver } from '../../src/transfer/receiver.ts';
import { mutations, type Prey } from './frame-mutations.ts';
import { frames } from './frames.ts';
import {
  bytesOf,
  type Command,
  sendable,
  simpleClient,
  simpleServer,
  streams,
} from './partners.ts';

export interface Attack {
  /** Streams that were refused, or that broke off within a frame or an upload. */
  readonly malformed: number;
  /** Mutants that happen to be right, such as other content: they count for nothing. */
  readonly harmless: number;
  /** By the code of the refusal; `cut` for what broke off. */
  readonly byOutcome: Readonly<Record<string, number>>;
  readonly byFamily: Readonly<Record<string, number>>;
  /** Of heap and buffers, after the garbage is collected. */
  readonly grownBytes: number;
  readonly wrong: readonly string[];
}

export interface Quarry {
  readonly commands: readonly Command[];
  readonly said: Readonly<Record<Side, readonly Buffer[]>>;
}

const wrongMax = 20;

export function attack(
  count: number,
  seed: string,
  progress: (malformed: number) => void = () => undefined,
): Attack {
  const random = seededRandom(seed);
  const herd = quarries(random.below(2 ** 31));
  const families = Object.entries(mutations);
  const byOutcome: Record<string, number> = {};
  const byFamily: Record<string, number> = {};
  const wrong: string[] = [];
  let [malformed, harmless] = [0, 0];
  let before: number | undefined;
  while (malformed < count && wrong.length < wrongMax) {
    const [family, mutate] = random.pick(families);
    const listener = random.pick(['client', 'server'] as const);
    const quarry = random.pick(herd);
    const stream = mutate(preyOf(quarry, listener, herd, random), random);
    const outcome = outcomeOf(listener, quarry.commands, stream, random);
    if (outcome.wrong !== undefined) {
      wrong.push(`${family}, ${listener}: ${outcome.wrong}: ${stream.toString('hex')}`);
    }
    if (outcome.is === 'harmless') {
      harmless += 1;
      continue;
    }
    byOutcome[outcome.is] = (byOutcome[outcome.is] ?? 0) + 1;
    byFamily[family] = (byFamily[family] ?? 0) + 1;
    malformed += 1;
    if (malformed % 10_000 !== 0) continue;
    before ??= memoryBytes();
    progress(malformed);
  }
  const grownBytes = memoryBytes() - (before ?? memoryBytes());
  return { malformed, harmless, byOutcome, byFamily, grownBytes, wrong };
}

/** Conversations that are right, to be spoiled. */
export function quarries(seed: number): readonly Quarry[] {
  const command = fc.oneof(frames.put, frames.get, frames.list, frames.remove, frames.share);
  const commands = fc.array(
    fc.tuple(command, fc.boolean()).map(([each, isKnown]) => sendable(each, isKnown)),
    { minLength: 1, maxLength: 4 },
  );
  return fc
    .sample(commands, { numRuns: 300, seed })
    .map((each) => ({ commands: each, said: streams(each) }));
}

export function preyOf(
  { said }: Quarry,
  listener: Side,
  herd: readonly Quarry[],
  random: Random,
): Prey {
  const spoken = said[listener === 'server' ? 'client' : 'server'];
  const others = random.pick(herd).said[random.pick(['client', 'server'] as const)];
  return { frames: spoken, victim: random.below(spoken.length), others };
}

interface Outcome {
  readonly is: string;
  readonly wrong?: string;
}

function outcomeOf(
  listener: Side,
  commands: readonly Command[],
  stream: Buffer,
  random: Random,
): Outcome {
  try {
    const whole = hear(listener, commands, [stream]);
    const parts = hear(listener, commands, split(stream, random));
    const is = judged(whole);
    if (!isDeepStrictEqual(whole.actions, parts.actions)) {
      return { is, wrong: 'the split makes a difference' };
    }
    const taken = whole.actions.flatMap((each) =>
      each.do === 'take' ? [bytesOf(each.frame)] : [],
    );
    const read = Buffer.concat(taken);
    if (!read.equals(stream.subarray(0, read.length))) {
      return { is, wrong: 'something was taken that was not sent' };
    }
    return { is };
  } catch (error) {
    return { is: 'crash', wrong: String(error) };
  }
}

function hear(listener: Side, commands: readonly Command[], chunks: readonly Buffer[]) {
  const receiver = new Receiver(listener);
  const partner = listener === 'server' ? simpleServer() : simpleClient(commands);
  const actions: Action[] = [];
  for (const frame of partner(undefined)) receiver.say(frame);
  for (const chunk of chunks) {
    for (const action of receiver.step(chunk)) {
      actions.push(action);
      if (action.do === 'take') {
        if (receiver.phase !== 'closed') {
          for (const frame of partner(action.frame)) receiver.say(frame);
        }
      } else if (listener === 'server') {
        receiver.say(errorFrame(action.error));
        if (receiver.phase !== 'closed') throw new Error('the connection would stay open');
      }
    }
  }
  return { actions, receiver };
}

function judged({ actions, receiver }: ReturnType<typeof hear>): string {
  const last = actions.at(-1);
  if (last?.do === 'refuse') return last.error.code;
  return receiver.finish() === 'cut' ? 'cut' : 'harmless';
}

export function split(stream: Buffer, random: Random): readonly Buffer[] {
  const chunks: Buffer[] = [];
  const most = random.pick([2, 7, 40, 300]);
  for (let at = 0; at < stream.length; ) {
    const end = at + 1 + random.below(most);
    chunks.push(stream.subarray(at, end));
    at = end;
  }
  return chunks;
}

function memoryBytes(): number {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}
