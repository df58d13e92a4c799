// Arbitrary frames of every kind, and arbitrary conversations in which each frame has its place and
// agrees with what was said before. What tests, and the fuzzer's mutants, are made from.

import fc from 'fast-check';
import type { Side } from '../../src/transfer/conversation.ts';
import {
  dataBytesMax,
  type Frame,
  type FrameKind,
  type FrameOf,
} from '../../src/transfer/frame.ts';

export interface Turn {
  readonly by: Side;
  readonly frame: Frame;
}

const hex = (bytes: number) =>
  fc
    .uint8Array({ minLength: bytes, maxLength: bytes })
    .map((each) => Buffer.from(each).toString('hex'));
const text = (bytesMax: number) =>
  fc
    .string({ unit: 'binary', maxLength: bytesMax })
    .filter((each) => Buffer.byteLength(each) <= bytesMax);
const u64 = fc.maxSafeNat();
const id = hex(16);
const sha256 = hex(32);
const small = fc.uint8Array({ minLength: 1, maxLength: 100 });
const large = fc
  .integer({ min: 1, max: dataBytesMax })
  .map((length) => new Uint8Array(length).fill(length));
const content = fc
  .oneof({ weight: 9, arbitrary: small }, { weight: 1, arbitrary: large })
  .map((bytes) => Buffer.from(bytes));
const credential = fc.string({ minLength: 1, maxLength: 8192 });
const description = {
  ...{ file: id, bytes: u64, sha256, storedAt: u64 },
  ...{ owner: text(255), type: text(255), name: text(1024) },
};

type Arbitraries = { readonly [K in FrameKind]: fc.Arbitrary<FrameOf<K>> };

type Values<K extends FrameKind> = {
  readonly [F in Exclude<keyof FrameOf<K>, 'kind'>]: fc.Arbitrary<FrameOf<K>[F]>;
};

function frame<const K extends FrameKind>(kind: K, values: Values<K>): fc.Arbitrary<FrameOf<K>> {
  const fields: Readonly<Record<string, fc.Arbitrary<unknown>>> = values;
  return fc.record(fields).map((each) => ({ kind, ...each }) as unknown as FrameOf<K>);
}

export const frames: Arbitraries = {
  hello: fc.oneof(
    frame('hello', { field: fc.constant('none'), credential: fc.constant('') }),
    frame('hello', {
      field: fc.constantFrom('authorization', 'cookie', 'x-session-id'),
      credential,
    }),
  ),
  put: frame('put', {
    ...{ upload: id, bytes: fc.option(u64), name: text(1024), claimedType: text(255) },
  }),
  data: frame('data', { offset: u64, content }),
  end: frame('end', { bytes: u64, sha256 }),
  get: frame('get', { file: id, offset: u64 }),
  list: frame('list', {}),
  remove: frame('remove', { file: id }),
  share: frame('share', { file: id, user: text(255) }),
  welcome: frame('welcome', {
    ...{ idleMs: fc.nat({ max: 0xffffffff }), fileBytesMax: u64, user: text(255) },
  }),
  have: frame('have', { file: id, offset: u64, sha256 }),
  receipt: frame('receipt', description),
  entry: frame('entry', description),
  listed: frame('listed', { count: fc.nat({ max: 0xffffffff }) }),
  done: frame('done', {}),
  wait: frame('wait', {}),
  error: frame('error', {
    code: fc.nat({ max: 0xffff }),
    retryAfterSeconds: fc.nat({ max: 0xffff }),
    detail: text(1024),
  }),
};

const client = (each: Frame): Turn => ({ by: 'client', frame: each });
const server = (each: Frame): Turn => ({ by: 'server', frame: each });
const wait = server({ kind: 'wait' });
const waits = fc.nat({ max: 2 }).map((count) => Array<Turn>(count).fill(wait));
const fine = fc.constantFrom(32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42);
const failure = fc.tuple(frames.error, fine).map(([each, code]) => server({ ...each, code }));

/** Data frames that go on from the offset, and where they end. */
function run(offset: number, contents: readonly Buffer[]) {
  let at = offset;
  const data = contents.map((each): Frame => {
    at += each.length;
    return { kind: 'data', offset: at - each.length, content: each };
  });
  return { data, bytes: at };
}

const contents = fc.array(content, { maxLength: 4 });
const offset = fc.nat({ max: 2 ** 48 });

const upload = fc
  .tuple(frames.put, frames.have, frames.receipt, offset, contents, waits, fc.boolean())
  .map(([put, have, receipt, at, pieces, pause, isKnown]) => {
    const { data, bytes } = run(at, pieces);
    const { sha256: digest } = receipt;
    return [
      client({ ...put, bytes: isKnown ? bytes : null }),
      ...pause,
      server({ ...have, offset: at }),
      ...data.flatMap((each, index) => [client(each), ...(index === 0 ? pause : [])]),
      client({ kind: 'end', bytes, sha256: digest }),
      ...pause,
      server({ ...receipt, file: have.file, bytes }),
    ];
  });

const download = fc
  .tuple(frames.get, frames.entry, offset, contents, waits)
  .map(([get, entry, at, pieces, pause]) => {
    const { data, bytes } = run(at, pieces);
    return [
      client({ ...get, offset: at }),
      ...pause,
      server({ ...entry, file: get.file, bytes }),
      ...data.map(server),
      ...pause,
      server({ kind: 'end', bytes, sha256: entry.sha256 }),
    ];
  });

const listing = fc
  .tuple(fc.array(frames.entry, { maxLength: 3 }), waits)
  .map(([entries, pause]) => [
    client({ kind: 'list' }),
    ...pause,
    ...entries.map(server),
    server({ kind: 'listed', count: entries.length }),
  ]);

const change = fc
  .tuple(fc.oneof(frames.remove, frames.share), waits)
  .map(([each, pause]) => [client(each), ...pause, server({ kind: 'done' })]);

const command = fc.oneof(frames.put, frames.get, frames.list, frames.remove, frames.share);
const refusal = fc.tuple(command, failure).map(([each, error]) => [client(each), error]);
export const conversations: fc.Arbitrary<readonly Turn[]> = fc
  .tuple(
    ...[frames.hello, frames.welcome],
    fc.array(fc.oneof(upload, download, listing, change, refusal), { maxLength: 5 }),
  )
  .map(([hello, welcome, exchanges]) => [client(hello), server(welcome), ...exchanges.flat()]);
