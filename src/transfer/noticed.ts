// What of a command that failed is a security event, by the code of its error: a file was refused,
// or its transfer was broken off. A command that moves no file and is broken off leaves none.

import type { ErrorCode } from '../core/errors.ts';
import type { Noticed } from '../core/security-event.ts';

type ReasonOf<K extends Noticed['kind']> = NonNullable<Extract<Noticed, { kind: K }>['reason']>;

const refused: Partial<Record<ErrorCode, ReasonOf<'file-refused'>>> = {
  'file-too-large': 'too-large',
  'quota-exceeded': 'quota',
  'type-mismatch': 'wrong-type',
  'digest-mismatch': 'wrong-digest',
  'name-refused': 'name',
  'upload-conflict': 'conflict',
  'not-found': 'not-found',
  'not-authenticated': 'not-allowed',
  'vault-unavailable': 'outage',
  'audit-unavailable': 'outage',
};

const brokenOff: Partial<Record<ErrorCode, ReasonOf<'transfer-broken-off'>>> = {
  'session-ended': 'session-ended',
  'store-unavailable': 'unknown',
  'too-slow': 'too-slow',
  'upload-taken-over': 'taken-over',
  'malformed-frame': 'malformed',
  'transfer-lost': 'cut',
  overloaded: 'closing',
  internal: 'failed',
};

/** Undefined where it is none. Without a command: it went wrong before there was one. */
export function noticedOf(command: string | undefined, code: ErrorCode): Noticed | undefined {
  const refusal = command === undefined ? undefined : refused[code];
  if (refusal !== undefined) return { kind: 'file-refused', reason: refusal };
  const reason = brokenOff[code];
  const movesFile = command === 'put' || command === 'get';
  if (reason !== undefined && movesFile) return { kind: 'transfer-broken-off', reason };
  const isForeign = code === 'malformed-frame' || code === 'unsupported-version';
  const isWrong = isForeign || code === 'invalid-request';
  return isWrong ? { kind: 'input-refused', reason: 'malformed' } : undefined;
}
