// The receiver and its grammar: any split of the bytes gives the same actions, only what is due is
// taken, and what is held is bounded by what has arrived.

import assert from 'node:assert/strict';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Phase, Side } from '../../src/transfer/conversation.ts';
import { encode, type Frame, type FrameKind, frameKinds } from '../../src/transfer/frame.ts';
import { type Action, Receiver } from '../../src/transfer/receiver.ts';
import { conversations, frames, type Turn } from './frames.ts';

const bytesOf = (frame: Frame) => Buffer.concat(encode(frame));

/** What one side reads of a conversation, and what it says after each frame (first: before any). */
function heard(turns: readonly Turn[], listener: Side) {
  const says: Frame[][] = [[]];
  const stream: Buffer[] = [];
  for (const { by, frame } of turns) {
    if (by === listener) says.at(-1)?.push(frame);
    else {
      stream.push(bytesOf(frame));
      says.push([]);
    }
  }
  return { says, stream: Buffer.concat(stream) };
}

function split(bytes: Buffer, cuts: readonly number[]): Buffer[] {
  const places = [0, ...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length];
  const sorted = places.toSorted((one, other) => one - other);
  return sorted.slice(1).map((end, at) => bytes.subarray(sorted[at], end));
}

/** Says what is its turn to say, as long as nothing was refused. */
function actionsOf(listener: Side, says: readonly Frame[][], chunks: readonly Buffer[]) {
  const receiver = new Receiver(listener);
  const actions: Action[] = [];
  const speak = () => {
    for (const frame of says[actions.length] ?? []) receiver.say(frame);
  };
  speak();
  for (const chunk of chunks) {
    for (const action of receiver.step(chunk)) {
      actions.push(action);
      if (action.do === 'take') speak();
    }
  }
  return { actions, phase: receiver.phase, finish: receiver.finish() };
}

const sides = fc.constantFrom<Side>('client', 'server');
const cuts = fc.oneof(
  fc.array(fc.nat(), { maxLength: 20 }),
  fc.array(fc.nat({ max: 40 }), { maxLength: 40 }),
);

test('any split of any valid stream gives the same actions: its frames', () => {
  fc.assert(
    fc.property(conversations, sides, cuts, (turns, listener, places) => {
      const { says, stream } = heard(turns, listener);
      const spoken = turns.filter(({ by }) => by !== listener).map(({ frame }) => frame);
      const { actions, ...rest } = actionsOf(listener, says, split(stream, places));
      expect(actions).toEqual(spoken.map((frame) => ({ do: 'take', frame })));
      expect(rest).toEqual({ phase: 'ready', finish: 'complete' });
    }),
    { numRuns: 500 },
  );
});

test('byte by byte is a split like any other', () => {
  const short = conversations.filter((turns) => heard(turns, 'server').stream.length < 50_000);
  fc.assert(
    fc.property(short, sides, (turns, listener) => {
      const { says, stream } = heard(turns, listener);
      const bytes = Array.from(stream.subarray(0, 50_000), (byte) => Buffer.of(byte));
      expect(actionsOf(listener, says, bytes)).toEqual(
        actionsOf(listener, says, [stream.subarray(0, 50_000)]),
      );
    }),
    { numRuns: 50 },
  );
});

test('any split of a stream that breaks off gives the same actions, and it is cut', () => {
  fc.assert(
    fc.property(conversations, sides, fc.nat(), cuts, (turns, listener, end, places) => {
      const { says, stream } = heard(turns, listener);
      const part = stream.subarray(0, end % (stream.length + 1));
      const whole = actionsOf(listener, says, [part]);
      expect(actionsOf(listener, says, split(part, places))).toEqual(whole);
      const taken = turns.filter(({ by }) => by !== listener).slice(0, whole.actions.length);
      const takenBytes = taken.reduce((sum, { frame }) => sum + bytesOf(frame).length, 0);
      const isBetween = takenBytes === part.length && ['hello', 'ready'].includes(whole.phase);
      expect(whole.finish).toBe(isBetween ? 'complete' : 'cut');
    }),
  );
});

test('any split of a stream with wrong bytes gives the same actions, up to the same refusal', () => {
  const wrong = fc.array(fc.tuple(fc.nat(), fc.nat({ max: 255 })), { minLength: 1, maxLength: 3 });
  let refused = 0;
  fc.assert(
    fc.property(conversations, wrong, cuts, (turns, changes, places) => {
      const { stream } = heard(turns, 'server');
      for (const [at, byte] of changes) stream[at % stream.length] = byte;
      const whole = answered(split(stream, []));
      expect(answered(split(stream, places))).toEqual(whole);
      if (whole.at(-1)?.do === 'refuse') refused += 1;
    }),
    { numRuns: 500 },
  );
  expect(refused).toBeGreaterThan(100);
});

/** As a server that grants whatever is taken. */
function answered(chunks: readonly Buffer[]): Action[] {
  const receiver = new Receiver('server');
  const actions: Action[] = [];
  for (const chunk of chunks) {
    for (const action of receiver.step(chunk)) {
      actions.push(action);
      if (action.do === 'take') for (const each of answersTo(action.frame)) receiver.say(each);
    }
  }
  return actions;
}

const [file, sha256] = ['1'.repeat(32), '2'.repeat(64)];
const description = {
  file,
  bytes: 3,
  sha256,
  storedAt: 0,
  owner: 'ann',
  type: 'text/plain',
  name: '',
};
const welcome: Frame = { kind: 'welcome', idleMs: 1, fileBytesMax: 1, user: '' };
const gone: Frame = { kind: 'error', code: 33, retryAfterSeconds: 0, detail: '' };

function answersTo(frame: Frame): Frame[] {
  switch (frame.kind) {
    case 'hello':
      return [welcome];
    case 'put':
      return [{ kind: 'have', file, offset: 0, sha256 }];
    case 'data':
      return [];
    default:
      return [gone];
  }
}

const client = (frame: Frame): Turn => ({ by: 'client', frame });
const server = (frame: Frame): Turn => ({ by: 'server', frame });
const hello = client({ kind: 'hello', field: 'none', credential: '' });
const put = (bytes: number | null): Turn =>
  client({ kind: 'put', upload: file, bytes, name: '', claimedType: '' });
const have = (offset: number) => server({ kind: 'have', file, offset, sha256 });
const data = (offset: number, bytes = 3): Frame => ({
  ...{ kind: 'data', offset, content: Buffer.alloc(bytes) },
});
const end = (bytes = 3): Frame => ({ kind: 'end', bytes, sha256 });
const entry = (values: Partial<typeof description> = {}) =>
  server({ kind: 'entry', ...description, ...values });
const opening = [hello, server(welcome)];
const uploading = [...opening, put(3), have(0)];
const downloading = [...opening, client({ kind: 'get', file, offset: 0 }), entry()];
const listing = [...opening, client({ kind: 'list' })];

const phases: readonly (readonly [Phase, readonly Turn[], readonly FrameKind[]])[] = [
  ['hello', [], ['hello', 'error']],
  ['welcoming', [hello], ['welcome', 'error']],
  ['ready', opening, ['put', 'get', 'list', 'remove', 'share', 'error']],
  ['beginning', [...opening, put(3)], ['have', 'wait', 'error']],
  ['uploading', uploading, ['data', 'end', 'wait', 'error']],
  ['committing', [...uploading, client(data(0)), client(end())], ['receipt', 'wait', 'error']],
  ['finding', [...opening, client({ kind: 'get', file, offset: 0 })], ['entry', 'wait', 'error']],
  ['downloading', downloading, ['data', 'end', 'wait', 'error']],
  ['listing', listing, ['entry', 'listed', 'wait', 'error']],
  ['changing', [...opening, client({ kind: 'remove', file })], ['done', 'wait', 'error']],
  ['closed', [hello, server(gone)], []],
];

/** A receiver that has come so far. */
function after(turns: readonly Turn[], listener: Side): Receiver {
  const receiver = new Receiver(listener);
  for (const { by, frame } of turns) {
    const actions = by === listener ? [] : [...receiver.step(bytesOf(frame))];
    if (by === listener) receiver.say(frame);
    expect(actions.filter((each) => each.do === 'refuse')).toEqual([]);
  }
  return receiver;
}

const samples = Object.fromEntries(
  frameKinds.map((kind) => [kind, fc.sample<Frame>(frames[kind], { numRuns: 1, seed: 1 })[0]]),
);

test.each(phases)('in phase %s, only what is due passes the header', (phase, turns, due) => {
  const passed = (['client', 'server'] as const).flatMap((listener) =>
    frameKinds.filter((kind) => {
      const receiver = after(turns, listener);
      expect(receiver.phase).toBe(phase);
      const sample = samples[kind];
      if (sample === undefined) throw new Error(`there is no sample of ${kind}`);
      const header = bytesOf(sample).subarray(0, 5);
      const [action] = receiver.step(header.length < 5 ? Buffer.alloc(0) : header);
      const isEmpty = bytesOf(sample).length === 5;
      const isTaken = isEmpty ? action?.do === 'take' : action === undefined;
      return phase !== 'closed' && isTaken;
    }),
  );
  expect(passed.toSorted()).toEqual(due.toSorted());
});

test.each<[string, readonly Turn[], string]>([
  [
    'data before their place',
    [...uploading, client(data(0, 2)), client(data(1, 1))],
    'upload-conflict',
  ],
  ['data after a gap', [...uploading, client(data(1, 1))], 'upload-conflict'],
  ['data from the start again', [...opening, put(5), have(2), client(data(0))], 'upload-conflict'],
  ['more data than the whole has', [...uploading, client(data(0, 4))], 'upload-conflict'],
  [
    'an end before all is there',
    [...uploading, client(data(0, 2)), client(end(2))],
    'upload-conflict',
  ],
  [
    'an end of more than came',
    [...opening, put(null), have(0), client(data(0)), client(end(4))],
    'upload-conflict',
  ],
  [
    'a credential without a field',
    [client({ kind: 'hello', field: 'none', credential: 'a' })],
    'malformed-frame',
  ],
  [
    'a field without a credential',
    [client({ kind: 'hello', field: 'cookie', credential: '' })],
    'malformed-frame',
  ],
  ['an upload that has more than its whole', [...opening, put(3), have(4)], 'malformed-frame'],
  [
    'a receipt of another file',
    [
      ...uploading,
      client(data(0)),
      client(end()),
      server({ kind: 'receipt', ...description, file: sha256.slice(32) }),
    ],
    'malformed-frame',
  ],
  [
    'a receipt of another size',
    [
      ...uploading,
      client(data(0)),
      client(end()),
      server({ kind: 'receipt', ...description, bytes: 4 }),
    ],
    'malformed-frame',
  ],
  [
    'a receipt of another digest',
    [
      ...uploading,
      client(data(0)),
      client(end()),
      server({ kind: 'receipt', ...description, sha256: '3'.repeat(64) }),
    ],
    'malformed-frame',
  ],
  [
    'a file that was not asked for',
    [...downloading.slice(0, 3), entry({ file: sha256.slice(32) })],
    'malformed-frame',
  ],
  [
    'a file without the offset',
    [...opening, client({ kind: 'get', file, offset: 4 }), entry()],
    'malformed-frame',
  ],
  ['received data after a gap', [...downloading, server(data(1, 1))], 'malformed-frame'],
  ['more received than announced', [...downloading, server(data(0, 4))], 'malformed-frame'],
  [
    'less received than announced',
    [...downloading, server(data(0, 2)), server(end(2))],
    'malformed-frame',
  ],
  [
    'an end with another digest',
    [...downloading, server(data(0)), server({ ...end(), sha256: '3'.repeat(64) } as Frame)],
    'malformed-frame',
  ],
  [
    'a list that lacks an entry',
    [...listing, entry(), server({ kind: 'listed', count: 2 })],
    'malformed-frame',
  ],
])('%s is refused', (_name, turns, code) => {
  const last = turns.at(-1) ?? hello;
  const receiver = after(turns.slice(0, -1), last.by === 'client' ? 'server' : 'client');
  const bytes = bytesOf(last.frame);
  expect([...receiver.step(bytes)]).toMatchObject([{ do: 'refuse', error: { code } }]);
  expect([...receiver.step(bytes)]).toEqual([]);
});

test('the same out of our own mouth is a mistake of the program', () => {
  expect(() => after(downloading, 'server').say(data(1, 1))).toThrow();
  expect(() => after(uploading, 'client').say(data(1, 1))).toThrow();
  expect(() => after(opening, 'server').say(entry().frame)).toThrow('not due');
});

test('an error ends the command, or the connection where the client may have said more', () => {
  const ends: readonly Phase[] = ['hello', 'welcoming', 'ready', 'uploading', 'closed'];
  const malformed: Frame = { ...gone, code: 1 };
  for (const [phase, turns] of phases.filter(([each]) => each !== 'closed')) {
    expect([phase, after([...turns, server(gone)], 'client').phase]).toEqual([
      phase,
      ends.includes(phase) ? 'closed' : 'ready',
    ]);
    expect(after([...turns, server(malformed)], 'server').phase).toBe('closed');
  }
});

test('data are copied once, and nothing of the bytes is needed afterwards', () => {
  const receiver = after([...opening, put(null), have(0)], 'server');
  const contents = [0, 100_000].map((offset) => {
    const bytes = bytesOf(data(offset, 100_000));
    const chunks = offset === 0 ? [bytes] : [bytes.subarray(0, 65_536), bytes.subarray(65_536)];
    const [action] = chunks.flatMap((chunk) => [...receiver.step(chunk)]);
    bytes.fill(0xff);
    assert(action?.do === 'take' && action.frame.kind === 'data');
    return action.frame.content;
  });
  for (const content of contents) {
    expect(content).toEqual(Buffer.alloc(100_000));
    expect(content.buffer.byteLength).toBe(100_008);
  }
});

test('a length costs nothing before its bytes arrive', () => {
  const header = bytesOf(data(0, 262_144)).subarray(0, 6);
  const receivers = Array.from({ length: 2_000 }, () =>
    after([...opening, put(null), have(0)], 'server'),
  );
  const before = process.memoryUsage().arrayBuffers;
  for (const receiver of receivers) expect([...receiver.step(header)]).toEqual([]);
  const grown = process.memoryUsage().arrayBuffers - before;
  expect(grown / receivers.length).toBeLessThan(4_096);
});

test('memory that is given back holds a later frame, and is never held twice', () => {
  const receiver = after([...opening, put(null), have(0)], 'server');
  const size = 256 * 1024;
  const piece = (offset: number): Buffer => {
    const bytes = bytesOf(data(offset, size));
    const chunks = [bytes.subarray(0, 9), bytes.subarray(9)];
    const [action] = chunks.flatMap((chunk) => [...receiver.step(chunk)]);
    assert(action?.do === 'take' && action.frame.kind === 'data');
    return action.frame.content;
  };
  const [first, second] = [piece(0), piece(size)];
  expect(second.buffer).not.toBe(first.buffer);
  receiver.reuse(first);
  receiver.reuse(first);
  expect(piece(2 * size).buffer).toBe(first.buffer);
  expect(piece(3 * size).buffer).not.toBe(first.buffer);
});
