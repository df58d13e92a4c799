// What can be wrong with a stream of frames, family by family. Each takes the frames of a stream
// that is right, one of which is the victim, and gives the bytes of one that (almost always) is
// not.

import type { Random } from '../../src/core/random.ts';

export interface Prey {
  readonly frames: readonly Buffer[];
  /** An index of `frames`. */
  readonly victim: number;
  /** Frames of other streams, from both sides. */
  readonly others: readonly Buffer[];
}

type Mutation = (prey: Prey, random: Random) => Buffer;

const u16 = [0, 1, 255, 256, 1024, 1025, 8192, 8193, 0x7fff, 0xffff] as const;
const u32 = [
  ...[0, 1, 8, 9, 40, 0xff, 0xffff, 0x10000, 262_152, 262_153, 0xffffff],
  ...[0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff],
] as const;
const u64 = ['0', '1', 'ff', '1fffffffffffff', '20000000000000', '7fffffffffffffff'].map((each) =>
  Buffer.from(each.padStart(16, '0'), 'hex'),
);
const allOnes = Buffer.alloc(8, 0xff);
const notText = ['80', 'c0af', 'eda080', 'f4908080', 'ff', 'fe', 'e28080', '00', '1b5d', 'c3'].map(
  (each) => Buffer.from(each, 'hex'),
);
const strangers = [
  'GET / HTTP/1.1\r\nHost: example.org\r\n\r\n',
  'POST /files HTTP/1.1\r\nContent-Length: 4294967295\r\n\r\n',
  'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
  'SSH-2.0-OpenSSH_9.6\r\n',
  'EHLO example.org\r\n',
  '\u0016\u0003\u0001\u0002\u0000\u0001\u0000\u0001\u00fc\u0003\u0003',
  '*1\r\n$4\r\nPING\r\n',
  '\r\n\r\n\r\n\r\n',
].map((each) => Buffer.from(each, 'latin1'));

function randomBytes(random: Random, bytes: number): Buffer {
  const buffer = Buffer.alloc(bytes);
  for (let at = 0; at < bytes; at += 1) buffer[at] = random.below(256);
  return buffer;
}

function withFrames(frames: readonly Buffer[], at: number, ...instead: readonly Buffer[]): Buffer {
  return Buffer.concat(frames.toSpliced(at, 1, ...instead));
}

/** The victim changed; half of the time with the length that it then has. */
function altered(prey: Prey, random: Random, change: (frame: Buffer) => Buffer): Buffer {
  const frame = change(Buffer.from(prey.frames[prey.victim] ?? Buffer.alloc(0)));
  if (random.below(2) === 0 && frame.length >= 5) frame.writeUInt32BE(frame.length - 5, 1);
  return withFrames(prey.frames, prey.victim, frame);
}

/** Puts the bytes over those of the frame, somewhere. */
function over(frame: Buffer, bytes: Buffer, random: Random): Buffer {
  frame.set(
    bytes.subarray(0, frame.length),
    random.below(Math.max(frame.length - bytes.length, 1)),
  );
  return frame;
}

function at(frame: Buffer, random: Random): number {
  return random.below(frame.length + 1);
}

export const mutations: Readonly<Record<string, Mutation>> = {
  'bits flipped': (prey, random) => {
    const frame = Buffer.from(prey.frames[prey.victim] ?? []);
    for (let times = random.below(4); times >= 0; times -= 1) {
      const place = random.below(frame.length);
      frame[place] = (frame[place] ?? 0) ^ (1 << random.below(8));
    }
    return withFrames(prey.frames, prey.victim, frame);
  },
  'another kind': (prey, random) => {
    const frame = Buffer.from(prey.frames[prey.victim] ?? []);
    frame[0] = random.below(2) === 0 ? random.below(256) : random.pick([1, 2, 3, 4, 5, 6, 7, 8]);
    return withFrames(prey.frames, prey.victim, frame);
  },
  'a length that is a lie': (prey, random) => {
    const frame = Buffer.from(prey.frames[prey.victim] ?? []);
    const near = frame.length - 5 + random.below(7) - 3;
    frame.writeUInt32BE(random.below(2) === 0 ? random.pick(u32) : Math.max(near, 0), 1);
    return withFrames(prey.frames, prey.victim, frame);
  },
  'a text that lies about its length': (prey, random) =>
    altered(prey, random, (frame) => {
      const length = Buffer.alloc(2);
      length.writeUInt16BE(random.pick(u16));
      return over(frame, length, random);
    }),
  'a number at its edge': (prey, random) =>
    altered(prey, random, (frame) => over(frame, random.pick([...u64, allOnes]), random)),
  'what is no text': (prey, random) =>
    altered(prey, random, (frame) => over(frame, random.pick(notText), random)),
  'cut short': (prey, random) =>
    altered(prey, random, (frame) => frame.subarray(0, at(frame, random))),
  'with more at its end': (prey, random) =>
    altered(prey, random, (frame) =>
      Buffer.concat([frame, randomBytes(random, 1 + random.below(32))]),
    ),
  'with more inside': (prey, random) =>
    altered(prey, random, (frame) => {
      const place = at(frame, random);
      const more = randomBytes(random, 1 + random.below(8));
      return Buffer.concat([frame.subarray(0, place), more, frame.subarray(place)]);
    }),
  twice: ({ frames, victim }) => {
    const frame = frames[victim] ?? Buffer.alloc(0);
    return withFrames(frames, victim, frame, frame);
  },
  'left out': ({ frames, victim }) => withFrames(frames, victim),
  'out of turn': ({ frames, victim, others }, random) =>
    withFrames(frames, victim, random.pick(others), frames[victim] ?? Buffer.alloc(0)),
  'in another order': ({ frames, victim }, random) => {
    const order = frames.with(victim, random.pick(frames));
    return Buffer.concat(order.toSpliced(random.below(order.length), 0, random.pick(frames)));
  },
  'nothing but random bytes': (_prey, random) => randomBytes(random, 1 + random.below(200)),
  'random bytes after a while': ({ frames, victim }, random) =>
    Buffer.concat([...frames.slice(0, victim), randomBytes(random, 1 + random.below(100))]),
  'another protocol': (_prey, random) =>
    Buffer.concat([random.pick(strangers), randomBytes(random, random.below(40))]),
  'broken off': ({ frames }, random) => {
    const stream = Buffer.concat(frames);
    return stream.subarray(0, random.below(stream.length));
  },
};
