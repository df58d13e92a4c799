// What every store asks of the data that it is given, so that all of them keep it alike: JSON whose
// numbers are finite and whose texts are well-formed Unicode without U+0000, which PostgreSQL
// cannot hold (RFC 7493 section 2.1 asks for the former). How much a session may hold is not judged
// here.

import { OperatingError } from '../core/errors.ts';
import type { FieldChange, Fields, Json } from '../core/session.ts';

/** Adding more could leave the range of finite numbers, and integers are exact up to here. */
const incrementMax = Number.MAX_SAFE_INTEGER;

/** @throws OperatingError `invalid-request` when a field cannot be kept. */
export function checkFields(fields: Fields): void {
  for (const [field, value] of Object.entries(fields)) {
    checkText(field);
    checkValue(value);
  }
}

/** @throws OperatingError `invalid-request` when a change cannot be kept. */
export function checkChanges(changes: readonly FieldChange[]): void {
  for (const change of changes) {
    checkText(change.field);
    if (change.op === 'set') checkValue(change.value);
    else if (change.op === 'increment' && !(Math.abs(change.by) <= incrementMax)) {
      refuse('An increment must be a number between -(2^53 - 1) and 2^53 - 1');
    }
  }
}

/** A copy that the caller cannot change behind our back, as if it had been written and read. */
export function owned<T extends Fields | readonly FieldChange[]>(data: T): T {
  return JSON.parse(JSON.stringify(data));
}

function checkValue(value: Json): void {
  if (typeof value === 'string') checkText(value);
  else if (typeof value === 'number') {
    if (!Number.isFinite(value)) refuse('A number must be finite');
  } else if (value !== null && typeof value === 'object') {
    for (const [key, item] of Object.entries(value)) {
      checkText(key);
      checkValue(item);
    }
  } else if (typeof value !== 'boolean' && value !== null) refuse('A value must be JSON');
}

function checkText(text: string): void {
  if (!text.isWellFormed() || text.includes('\0')) {
    refuse('A text must be well-formed Unicode without U+0000');
  }
}

function refuse(detail: string): never {
  throw new OperatingError('invalid-request', { detail });
}
