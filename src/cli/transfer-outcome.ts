// What became of a file, in a line: glyph, name and word for people, an object for programs.

import { styleText } from 'node:util';
import { type ErrorCode, OperatingError } from '../core/errors.ts';
import type { StoredFile } from '../transfer/client.ts';
import { printable } from '../transfer/printable.ts';
import { size } from './bar.ts';
import { exits } from './exit.ts';

export type Outcome =
  /** `path`: where it is on this machine. */
  | { readonly path: string; readonly file: StoredFile }
  | { readonly path: string; readonly error: OperatingError };

/** As much of an id as tells files apart, and as a command takes for the whole. */
export const idCharsShown = 12;

export function outcomeLine(outcome: Outcome, isJson: boolean): string {
  if (isJson) return JSON.stringify(outcomeObject(outcome));
  if ('error' in outcome) return failureLine(outcome.error, outcome.path);
  const { id, name, type, bytes } = outcome.file;
  const facts = [name.padEnd(32), size(bytes).padStart(10), id.slice(0, idCharsShown), type];
  return `${styleText('green', '✓')} ${facts.join('  ')}`;
}

function outcomeObject(outcome: Outcome): object {
  const { path } = outcome;
  if ('error' in outcome) return { path, ok: false, error: reason(outcome.error) };
  return { path, ok: true, ...fileObject(outcome.file) };
}

export function fileObject({ storedAt, ...file }: StoredFile): object {
  return { ...file, storedAt: new Date(storedAt).toISOString() };
}

/** What a person can do about it. */
const hints: Partial<Record<ErrorCode, string>> = {
  'not-authenticated': 'say who you are, as with --user alice --api http://localhost:3000',
  'session-ended': 'log in again; the same command then goes on where it stopped',
  'no-server': 'is it running there, and is the address right?',
  'unfit-certificate': '--tls-ca names the authority to trust',
  'transfer-lost': 'the same command goes on where it stopped',
  'upload-taken-over': 'another process is sending it',
  'file-exists': '--overwrite replaces it',
  'quota-exceeded': 'remove what is not needed any more',
};

/** What went through a pipe cannot be gone back to. */
const pipeHints: typeof hints = {
  ...hints,
  'session-ended': 'log in again, and begin anew',
  'transfer-lost': 'begin anew',
};

function failureLine({ code, message }: OperatingError, path?: string): string {
  const about = path === undefined || message.includes(path) ? '' : `${path}: `;
  const known = (path === '-' ? pipeHints : hints)[code];
  const hint = known ? `: ${known}` : '';
  const text = printable(`${about}${message}${hint} (${code})`);
  return styleText('red', `✗ ${text}`, { stream: process.stderr });
}

function reason({ code, message }: OperatingError): object {
  return { code, detail: message };
}

/** What the server or this machine refuses is no failure of the program: it ends with 1. */
export async function attempt(isJson: boolean, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof OperatingError)) throw error;
    process.exitCode = exits.surprised;
    if (isJson) console.log(JSON.stringify({ ok: false, error: reason(error) }));
    else console.error(failureLine(error));
  }
}
