// The grammar of PROTOCOL.md: who may say which frame when, what it leads to, and what must agree
// with what was said before (offsets, sizes, digests, counts). Both sides keep one, tell it what
// they hear and what they say, and so have the same phase. It moves no bytes and knows no clock.

import assert from 'node:assert/strict';
import { OperatingError } from '../core/errors.ts';
import { malformed } from './field.ts';
import type { Frame, FrameKind, FrameOf } from './frame.ts';
import { problemOf } from './problems.ts';

export type Side = 'client' | 'server';

/** From the side of who speaks next: the client in hello, ready, uploading; else the server. */
export type Phase =
  | 'hello'
  | 'welcoming'
  | 'ready'
  | 'beginning'
  | 'uploading'
  | 'committing'
  | 'finding'
  | 'downloading'
  | 'listing'
  | 'changing'
  | 'closed';

type Turns = Readonly<Partial<Record<FrameKind, Phase>>>;

/** Beside these: a server may say error wherever the connection is open. */
const grammar: Readonly<Record<Phase, { readonly [S in Side]?: Turns }>> = {
  hello: { client: { hello: 'welcoming' } },
  welcoming: { server: { welcome: 'ready' } },
  ready: {
    client: {
      put: 'beginning',
      get: 'finding',
      list: 'listing',
      remove: 'changing',
      share: 'changing',
    },
  },
  beginning: { server: { wait: 'beginning', have: 'uploading' } },
  uploading: {
    client: { data: 'uploading', end: 'committing' },
    server: { wait: 'uploading' },
  },
  committing: { server: { wait: 'committing', receipt: 'ready' } },
  finding: { server: { wait: 'finding', entry: 'downloading' } },
  downloading: { server: { wait: 'downloading', data: 'downloading', end: 'ready' } },
  listing: { server: { wait: 'listing', entry: 'listing', listed: 'ready' } },
  changing: { server: { wait: 'changing', done: 'ready' } },
  closed: {},
};

/** What is known of the file that is on its way, as far as anybody has said. */
interface Passage {
  readonly file: string | undefined;
  readonly bytes: number | null;
  readonly sha256: string | undefined;
  /** Where the next byte belongs; in a list, how many entries there were. */
  readonly offset: number;
}

const nothing: Passage = { file: undefined, bytes: null, sha256: undefined, offset: 0 };

export class Conversation {
  #phase: Phase = 'hello';
  #passage = nothing;

  get phase(): Phase {
    return this.#phase;
  }

  /** Undefined where a frame of this kind is due from that side now. */
  refusal(side: Side, kind: FrameKind): OperatingError | undefined {
    const isError = kind === 'error' && side === 'server' && this.#phase !== 'closed';
    if (isError || grammar[this.#phase][side]?.[kind] !== undefined) return undefined;
    return malformed(`${kind} from the ${side} is not due (${this.#phase})`);
  }

  /** Undefined and a step on; or what is wrong with the frame, and no step. */
  take(side: Side, frame: Frame): OperatingError | undefined {
    const wrong = this.refusal(side, frame.kind);
    if (wrong !== undefined) return wrong;
    if (frame.kind === 'error') {
      this.#phase = this.#afterError(frame);
      return undefined;
    }
    const passage = this.#follow(frame);
    if (passage instanceof OperatingError) return passage;
    const next = grammar[this.#phase][side]?.[frame.kind];
    assert(next);
    this.#passage = passage;
    this.#phase = next;
    return undefined;
  }

  #afterError(frame: FrameOf<'error'>): Phase {
    const isUnderWay = ['hello', 'welcoming', 'ready', 'uploading'].includes(this.#phase);
    return isUnderWay || problemOf(frame).closes ? 'closed' : 'ready';
  }

  #follow(frame: Frame): Passage | OperatingError {
    const passage = this.#passage;
    switch (frame.kind) {
      case 'hello':
        return (frame.field === 'none') === (frame.credential === '')
          ? nothing
          : malformed('a credential goes with a field, and a field with a credential');
      case 'put':
        return { ...nothing, bytes: frame.bytes };
      case 'get':
        return { ...nothing, file: frame.file, offset: frame.offset };
      case 'list':
        return nothing;
      case 'have':
        return within(passage.bytes, frame.offset)
          ? { ...passage, file: frame.file, offset: frame.offset }
          : malformed('more is there than the whole has');
      case 'data':
        return followData(passage, frame) ?? this.#beside(passage, frame.offset);
      case 'end':
        return followEnd(passage, frame) ?? this.#beside(passage, frame.bytes);
      case 'entry':
        return this.#phase === 'listing'
          ? { ...passage, offset: passage.offset + 1 }
          : followEntry(passage, frame);
      case 'listed':
        return frame.count === passage.offset ? nothing : malformed('entries are missing');
      case 'receipt':
        return sameFile(passage, frame) ? nothing : malformed('the receipt is of something else');
      default:
        return passage;
    }
  }

  /** Of data that are not due, in an upload: what the client thinks is there is not. */
  #beside({ offset, bytes }: Passage, came: number): OperatingError {
    const code = this.#phase === 'uploading' ? 'upload-conflict' : 'malformed-frame';
    const detail = `${came} is not where it goes on: there are ${offset} of ${bytes ?? '?'} bytes`;
    return new OperatingError(code, { detail });
  }
}

function followData(passage: Passage, frame: FrameOf<'data'>): Passage | undefined {
  const offset = frame.offset + frame.content.length;
  const fits = frame.offset === passage.offset && within(passage.bytes, offset);
  return fits ? { ...passage, offset } : undefined;
}

function followEnd(passage: Passage, frame: FrameOf<'end'>): Passage | OperatingError | undefined {
  const { offset, bytes, sha256 } = passage;
  if (frame.bytes !== offset || (bytes !== null && bytes !== offset)) return undefined;
  return sha256 === undefined || sha256 === frame.sha256
    ? { ...passage, bytes: frame.bytes, sha256: frame.sha256 }
    : malformed('the end has another digest than the beginning');
}

function followEntry(passage: Passage, entry: FrameOf<'entry'>): Passage | OperatingError {
  if (entry.file !== passage.file) return malformed('this file was not asked for');
  return within(entry.bytes, passage.offset)
    ? { ...passage, bytes: entry.bytes, sha256: entry.sha256 }
    : malformed('the file ends before the offset that was asked for');
}

function sameFile(passage: Passage, receipt: FrameOf<'receipt'>): boolean {
  const { file, bytes, sha256 } = passage;
  return receipt.file === file && receipt.bytes === bytes && receipt.sha256 === sha256;
}

function within(bytes: number | null, offset: number): boolean {
  return bytes === null || offset <= bytes;
}
