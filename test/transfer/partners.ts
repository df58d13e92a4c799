// The simplest client and the simplest server that keep to the grammar whatever they hear: who the
// receiver under attack belongs to, and who makes the streams that mutants are made of.

import { createHash } from 'node:crypto';
import type { Side } from '../../src/transfer/conversation.ts';
import { encode, type Frame, type FrameOf } from '../../src/transfer/frame.ts';
import { Receiver } from '../../src/transfer/receiver.ts';

/** What is said at the beginning (undefined was heard), and after each frame. */
export type Partner = (heard: Frame | undefined) => readonly Frame[];

export type Command = Extract<Frame, { kind: 'put' | 'get' | 'list' | 'remove' | 'share' }>;

const [file, sha256] = ['1'.repeat(32), '2'.repeat(64)];
const description = { sha256, storedAt: 1, owner: 'ann', type: 'text/plain', name: 'a.txt' };
const uploadBytes = 150;
const pieces = [Buffer.alloc(60, 'a'), Buffer.alloc(40, 'b')] as const;

export function simpleServer(): Partner {
  let upload = file;
  return (heard) => {
    switch (heard?.kind) {
      case 'hello':
        return [{ kind: 'welcome', idleMs: 1_000, fileBytesMax: 1_000_000, user: 'ann' }];
      case 'put':
        upload = heard.upload;
        return [{ kind: 'wait' }, { kind: 'have', file: upload, offset: 0, sha256 }];
      case 'end': {
        const { bytes, sha256: digest } = heard;
        return [{ ...description, kind: 'receipt', file: upload, bytes, sha256: digest }];
      }
      case 'get':
        return download(heard);
      case 'list':
        return [
          { ...description, kind: 'entry', file, bytes: 5 },
          { kind: 'listed', count: 1 },
        ];
      case 'remove':
        return [{ kind: 'done' }];
      case 'share':
        return [{ kind: 'error', code: 33, retryAfterSeconds: 0, detail: 'not here' }];
      default:
        return [];
    }
  };
}

function download({ file: wanted, offset }: FrameOf<'get'>): readonly Frame[] {
  const bytes = offset + 100;
  if (!Number.isSafeInteger(bytes)) {
    return [{ kind: 'error', code: 32, retryAfterSeconds: 0, detail: '' }];
  }
  return [
    { ...description, kind: 'entry', file: wanted, bytes },
    { kind: 'data', offset, content: pieces[0] },
    { kind: 'wait' },
    { kind: 'data', offset: offset + pieces[0].length, content: pieces[1] },
    { kind: 'end', bytes, sha256 },
  ];
}

export function simpleClient(commands: readonly Command[]): Partner {
  let next = 0;
  let bytes: number | null = null;
  const command = (): readonly Frame[] => {
    const frame = commands[next];
    next += 1;
    if (frame?.kind === 'put') bytes = frame.bytes;
    return frame === undefined ? [] : [frame];
  };
  return (heard) => {
    switch (heard?.kind) {
      case undefined:
        return [{ kind: 'hello', field: 'authorization', credential: 'Bearer ann' }];
      case 'have':
        return upload(heard.offset, bytes ?? heard.offset);
      case 'welcome':
      case 'receipt':
      case 'listed':
      case 'done':
      case 'error':
      case 'end':
        return command();
      default:
        return [];
    }
  };
}

/** Of a file of so many times the letter c. */
function upload(offset: number, bytes: number): readonly Frame[] {
  const file = Buffer.alloc(Math.min(bytes, uploadBytes), 'c');
  const digest = createHash('sha256').update(file).digest('hex');
  const end: Frame = { kind: 'end', bytes, sha256: digest };
  return offset === bytes ? [end] : [{ kind: 'data', offset, content: file.subarray(offset) }, end];
}

/** Puts of a size that the simple client can send, or of one that is not known. */
export function sendable(command: Command, isKnown: boolean): Command {
  return command.kind === 'put' ? { ...command, bytes: isKnown ? uploadBytes : null } : command;
}

/** What each side says when both keep to the grammar, frame by frame. */
export function streams(commands: readonly Command[]): Readonly<Record<Side, readonly Buffer[]>> {
  const said: Record<Side, Buffer[]> = { client: [], server: [] };
  const sides = { client: simpleClient(commands), server: simpleServer() };
  const receivers = { client: new Receiver('client'), server: new Receiver('server') };
  const speak = (side: Side, heard: Frame | undefined) => {
    const other = side === 'client' ? 'server' : 'client';
    for (const frame of sides[side](heard)) {
      const bytes = Buffer.concat(receivers[side].say(frame));
      said[side].push(bytes);
      for (const action of receivers[other].step(bytes)) {
        if (action.do === 'refuse') throw action.error;
        speak(other, action.frame);
      }
    }
  };
  speak('client', undefined);
  return said;
}

export const bytesOf = (frame: Frame) => Buffer.concat(encode(frame));
