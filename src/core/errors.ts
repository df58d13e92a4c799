// THE table of what can go wrong in operation: code -> HTTP status, whether the outcome is
// definite, and one sentence. A definite failure had no effect; after an indefinite one nobody
// knows, and the lab records it so. Expected outcomes (anonymous, conflict, gone) are values and
// are not here; programmer errors are assertions and crash the process.

interface ErrorRow {
  readonly status: number;
  readonly definite: boolean;
  readonly summary: string;
}

export const errors = {
  'invalid-request': { status: 400, definite: true, summary: 'The request is malformed' },
  'not-authenticated': { status: 401, definite: true, summary: 'Log in first' },
  'reauthentication-required': {
    status: 401,
    definite: true,
    summary: 'Prove again who you are',
  },
  'session-ended': { status: 401, definite: true, summary: 'The session has ended' },
  'wrong-credentials': { status: 401, definite: true, summary: 'User name or password is wrong' },
  'cross-site': { status: 403, definite: true, summary: 'Another site sent this request' },
  'not-allowed': { status: 403, definite: true, summary: 'This account may not do that' },
  'not-found': { status: 404, definite: true, summary: 'There is nothing here' },
  'method-not-allowed': { status: 405, definite: true, summary: 'Not with this method' },
  'name-taken': { status: 409, definite: true, summary: 'This user name is taken' },
  'session-conflict': { status: 409, definite: true, summary: 'Another request was first' },
  'too-many-sessions': {
    status: 409,
    definite: true,
    summary: 'This account is logged in as often as it may be',
  },
  misdirected: { status: 421, definite: true, summary: 'No site of this name is served here' },
  'payload-too-large': { status: 413, definite: true, summary: 'The request body is too large' },
  'session-too-large': { status: 413, definite: true, summary: 'The session cannot hold more' },
  'unsupported-media-type': { status: 415, definite: true, summary: 'Send application/json' },
  'too-many-attempts': { status: 429, definite: true, summary: 'Too many attempts; wait' },
  overloaded: { status: 429, definite: true, summary: 'Too many at once; try again' },
  'request-timeout': { status: 408, definite: true, summary: 'The request came too slowly' },
  'headers-too-large': { status: 431, definite: true, summary: 'The header fields are too large' },
  'no-server': { status: 503, definite: true, summary: 'No server can take the request' },
  'server-lost': {
    status: 502,
    definite: false,
    summary: 'The server broke off; the request may have been carried out',
  },
  'server-silent': {
    status: 504,
    definite: false,
    summary: 'The server did not answer in time; the request may have been carried out',
  },
  internal: { status: 500, definite: false, summary: 'The server failed' },
  'store-unavailable': { status: 503, definite: true, summary: 'The session store is unreachable' },
  'revocation-not-durable': {
    status: 503,
    definite: false,
    summary: 'The ending could not be made durable; it may be undone, so repeat it',
  },
  'store-outcome-unknown': {
    status: 504,
    definite: false,
    summary: 'The session store did not answer in time; the change may have happened',
  },
  'accounts-unavailable': { status: 503, definite: true, summary: 'User accounts are unreachable' },
  'accounts-outcome-unknown': {
    status: 504,
    definite: false,
    summary: 'User accounts did not answer in time; the change may have happened',
  },
  'audit-unavailable': {
    status: 503,
    definite: true,
    summary: 'What happens cannot be put on record',
  },
  'audit-outcome-unknown': {
    status: 504,
    definite: false,
    summary: 'The change was made, and could not be put on record yet',
  },
  'malformed-frame': {
    status: 400,
    definite: true,
    summary: 'What came is not the transfer protocol',
  },
  'unsupported-version': {
    status: 400,
    definite: true,
    summary: 'This version of the transfer protocol is not spoken here',
  },
  'name-refused': { status: 400, definite: true, summary: 'A file cannot have this name' },
  'too-slow': { status: 408, definite: true, summary: 'The other side was too slow' },
  'upload-taken-over': {
    status: 409,
    definite: true,
    summary: 'The upload goes on over another connection',
  },
  'upload-conflict': {
    status: 409,
    definite: true,
    summary: 'This does not fit what came before of the same upload',
  },
  'file-exists': { status: 409, definite: true, summary: 'There is a file of this name already' },
  'file-too-large': { status: 413, definite: true, summary: 'No file may be as large as this' },
  'quota-exceeded': { status: 413, definite: true, summary: 'There is no room for more files' },
  'type-mismatch': {
    status: 415,
    definite: true,
    summary: 'Content, name and claimed type of the file disagree',
  },
  'digest-mismatch': {
    status: 422,
    definite: true,
    summary: 'What arrived is not what was sent',
  },
  'transfer-lost': {
    status: 502,
    definite: false,
    summary: 'The connection broke before the receipt; the file may be stored, so send it again',
  },
  'vault-unavailable': { status: 503, definite: true, summary: 'Files cannot be kept at present' },
  'file-unavailable': {
    status: 500,
    definite: true,
    summary: 'A file of this machine cannot be read or written',
  },
  'unfit-key': { status: 503, definite: true, summary: 'A key cannot be used' },
  'unfit-certificate': { status: 503, definite: true, summary: 'A certificate cannot be used' },
  'gateway-unavailable': { status: 503, definite: true, summary: 'The gateway is not running' },
  'backing-unavailable': {
    status: 503,
    definite: true,
    summary: 'PostgreSQL or Redis cannot be had',
  },
} as const satisfies Record<string, ErrorRow>;

export type ErrorCode = keyof typeof errors;

export interface ErrorDetails {
  /** What happened, to what, and what to do; for people; never holds a credential. */
  readonly detail?: string;
  /** When trying again is worth it. */
  readonly retryAfterSeconds?: number;
  readonly cause?: unknown;
}

export class OperatingError extends Error {
  override readonly name = 'OperatingError';
  readonly code: ErrorCode;
  readonly detail: string | undefined;
  readonly retryAfterSeconds: number | undefined;

  constructor(code: ErrorCode, details: ErrorDetails = {}) {
    super(details.detail ?? errors[code].summary, { cause: details.cause });
    this.code = code;
    this.detail = details.detail;
    this.retryAfterSeconds = details.retryAfterSeconds;
  }

  get status(): number {
    return errors[this.code].status;
  }

  /** Header fields of the answer; frameworks copy an error's `headers`, as they do its `status`. */
  get headers(): Readonly<Record<string, string>> {
    const seconds = this.retryAfterSeconds ?? (this.status === 503 ? 1 : undefined);
    return seconds === undefined ? {} : { 'retry-after': String(seconds) };
  }

  /** False when the operation may have taken effect all the same. */
  get definite(): boolean {
    return errors[this.code].definite;
  }
}

/**
 * For what must follow a write that is done: its failure does not undo the write, so the whole is
 * indefinite, whatever the step's own failure is; but whose session has ended is told so. `detail`
 * where it does not help to repeat the whole.
 */
export async function afterWrite<T>(
  step: Promise<T>,
  code: ErrorCode = 'store-outcome-unknown',
  detail?: string,
): Promise<T> {
  return step.catch((cause: unknown) => {
    const isTold = !(cause instanceof OperatingError) || cause.code === 'session-ended';
    throw isTold ? cause : new OperatingError(code, { cause, ...(detail && { detail }) });
  });
}
