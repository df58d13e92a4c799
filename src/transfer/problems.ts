// THE table of what a server can say went wrong: number on the wire -> code of core/errors.ts, and
// whether the connection is closed after it. Whatever the number, it is closed as well where the
// client may not have got the error before it sent more (conversation.ts: before the welcome, and
// while an upload's data are under way). A number keeps its meaning for ever.

import { type ErrorCode, OperatingError } from '../core/errors.ts';
import type { FrameOf } from './frame.ts';

interface Problem {
  readonly code: ErrorCode;
  readonly closes: boolean;
}

export const problems: ReadonlyMap<number, Problem> = new Map([
  // The connection is of no more use
  [1, { code: 'malformed-frame', closes: true }],
  [2, { code: 'unsupported-version', closes: true }],
  [3, { code: 'not-authenticated', closes: true }],
  [4, { code: 'session-ended', closes: true }],
  [5, { code: 'store-unavailable', closes: true }],
  [6, { code: 'overloaded', closes: true }],
  [7, { code: 'too-slow', closes: true }],
  [8, { code: 'upload-taken-over', closes: true }],
  [9, { code: 'internal', closes: true }],
  // This command has failed, the next may be sent
  [32, { code: 'invalid-request', closes: false }],
  [33, { code: 'not-found', closes: false }],
  [34, { code: 'name-refused', closes: false }],
  [35, { code: 'file-too-large', closes: false }],
  [36, { code: 'quota-exceeded', closes: false }],
  [37, { code: 'upload-conflict', closes: false }],
  [38, { code: 'digest-mismatch', closes: false }],
  [39, { code: 'type-mismatch', closes: false }],
  [40, { code: 'vault-unavailable', closes: false }],
  [41, { code: 'audit-unavailable', closes: false }],
  [42, { code: 'audit-outcome-unknown', closes: false }],
]);

const numbers = new Map([...problems].map(([number, { code }]) => [code, number]));
const internal: Problem = { code: 'internal', closes: true };
const detailBytesMax = 1024;

/** A number that is not in the table comes from a newer server: nobody knows what it means. */
export function problemOf(frame: FrameOf<'error'>): Problem {
  return problems.get(frame.code) ?? internal;
}

/** What a server says of a failure; of one that is not an OperatingError of the table: nothing. */
export function errorFrame(error: unknown): FrameOf<'error'> {
  const told = error instanceof OperatingError ? error : new OperatingError('internal');
  const code = numbers.get(told.code);
  if (code === undefined) return errorFrame(new OperatingError('internal'));
  const retryAfterSeconds = Math.min(Math.ceil(told.retryAfterSeconds ?? 0), 0xffff);
  return { kind: 'error', code, retryAfterSeconds, detail: cut(told.detail ?? '') };
}

/** What a client makes of the frame. */
export function errorOf(frame: FrameOf<'error'>): OperatingError {
  const { detail, retryAfterSeconds } = frame;
  return new OperatingError(problemOf(frame).code, {
    ...(detail !== '' && { detail }),
    ...(retryAfterSeconds > 0 && { retryAfterSeconds }),
  });
}

/** As many whole characters as there is room for. */
function cut(detail: string): string {
  const { read } = new TextEncoder().encodeInto(detail, new Uint8Array(detailBytesMax));
  return detail.slice(0, read);
}
