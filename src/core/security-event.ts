// THE table of what a security officer wants to know: each kind of event with its severity, what it
// says, and the codes of its reasons. Clients get one answer for many reasons; the real one is
// here. An event names a session by its handle and a user by the id: there is no member for a
// credential, a password, or a name that somebody typed.

import type { AnonymousReason } from './recognition.ts';
import type { EndReason } from './session.ts';

export type Severity = 'info' | 'warning' | 'alert';

interface EventRow {
  readonly severity: Severity;
  /** Did what was attempted happen? */
  readonly outcome: 'success' | 'failure';
  readonly says: string;
  /** Code -> what it means. */
  readonly reasons?: Readonly<Record<string, string>>;
}

const endReasons: Readonly<Record<EndReason, string>> = {
  logout: 'the user logged out',
  'logout-everywhere': 'the user logged out everywhere',
  'ended-by-user': 'the user ended it from another device',
  'ended-by-admin': 'an administrator ended it',
  'account-disabled': 'the account was disabled',
  'password-changed': 'the password was changed',
  'session-limit': 'the user began one session more than allowed',
  replaced: 'the user logged in again over it',
  reuse: 'an old credential of it was used',
  unrecorded: 'its beginning could not be put on record',
};

const refusedReasons: Readonly<Record<Exclude<AnonymousReason, 'no-credential'>, string>> = {
  malformed: 'it has not the form of a credential',
  'not-found': 'nothing was ever issued by that id, or it was forgotten since',
  'wrong-secret': 'the id is right and the secret is not',
  superseded: 'it was replaced by a newer one',
  expired: 'its time is over',
  revoked: 'its session was ended',
  'unknown-version': 'it was written by a version that this one cannot read',
  'bad-signature': 'no key of ours signed it',
  'wrong-claims': 'it was signed for something else',
};

export const securityEvents = {
  registered: { severity: 'info', outcome: 'success', says: 'An account was made' },
  login: { severity: 'info', outcome: 'success', says: 'A user logged in' },
  'login-refused': {
    severity: 'warning',
    outcome: 'failure',
    says: 'A login was refused',
    reasons: {
      'unknown-user': 'there is no such user',
      'wrong-password': 'the password is wrong',
      'account-disabled': 'the account is disabled',
      'too-many-sessions': 'the user has as many sessions as allowed',
    },
  },
  logout: { severity: 'info', outcome: 'success', says: 'A user logged out' },
  'session-ended': {
    severity: 'info',
    outcome: 'success',
    says: 'Sessions were ended',
    reasons: endReasons,
  },
  refresh: { severity: 'info', outcome: 'success', says: 'A credential was exchanged' },
  'reuse-detected': {
    severity: 'alert',
    outcome: 'failure',
    says: 'An old credential was used: it may be stolen, and its session was ended',
  },
  'step-up': { severity: 'info', outcome: 'success', says: 'A user proved again who they are' },
  'step-up-refused': {
    severity: 'warning',
    outcome: 'failure',
    says: 'A user could not prove again who they are',
    reasons: { 'wrong-password': 'the password is wrong' },
  },
  'password-changed': { severity: 'info', outcome: 'success', says: 'A password was changed' },
  'email-changed': { severity: 'info', outcome: 'success', says: 'An e-mail address was changed' },
  'account-disabled': { severity: 'warning', outcome: 'success', says: 'An account was disabled' },
  'account-enabled': { severity: 'warning', outcome: 'success', says: 'An account was enabled' },
  'credential-refused': {
    severity: 'info',
    outcome: 'failure',
    says: 'A credential was presented that opens nothing',
    reasons: refusedReasons,
  },
  'csrf-refused': {
    severity: 'warning',
    outcome: 'failure',
    says: "Another site's page sent a request with a user's credential",
  },
  'access-refused': {
    severity: 'warning',
    outcome: 'failure',
    says: 'A user asked for what the account may not do',
  },
  'sessions-viewed': {
    severity: 'info',
    outcome: 'success',
    says: 'An administrator looked at the sessions of a user',
  },
  'input-refused': {
    severity: 'warning',
    outcome: 'failure',
    says: 'A request had not the form that it must have',
    reasons: {
      malformed: 'it is no request, or not one that the route knows',
      'too-large': 'it is longer than anything that is needed',
      'wrong-type': 'its body is of another type',
    },
  },
  'insecure-transport': {
    severity: 'warning',
    outcome: 'failure',
    says: 'A login came without TLS, so the browser drops its cookie: the proxy must be in TRUST_PROXY and say X-Forwarded-Proto',
  },
  throttled: { severity: 'warning', outcome: 'failure', says: 'There were too many attempts' },
  'revocation-not-durable': {
    severity: 'alert',
    outcome: 'failure',
    says: 'An ending could not be made durable, and was not acknowledged',
  },
  'store-unavailable': {
    severity: 'warning',
    outcome: 'failure',
    says: 'It could not be found out who a user is',
  },
  'file-stored': {
    severity: 'info',
    outcome: 'success',
    says: 'A file was stored',
    reasons: { repeated: 'it was stored before, and its receipt was asked for again' },
  },
  'file-received': { severity: 'info', outcome: 'success', says: 'A user received a file' },
  'file-removed': { severity: 'info', outcome: 'success', says: 'A user removed a file' },
  'file-shared': { severity: 'info', outcome: 'success', says: 'A user shared a file' },
  'file-refused': {
    severity: 'warning',
    outcome: 'failure',
    says: 'A file was not taken, or not given',
    reasons: {
      'too-large': 'it is larger than a file may be',
      quota: 'there is no room left for the user, or for all',
      'wrong-type': 'its content is not of the type that it claims',
      'wrong-digest': 'what came is not what was sent',
      name: 'it has a name that no file may have',
      conflict: 'its bytes do not follow those before, or it is another file than before',
      'not-found': 'there is none, or none for this user',
      'not-allowed': 'anonymous visitors may not do that',
      outage: 'it could not be kept, or not be put on record',
    },
  },
  'transfer-broken-off': {
    severity: 'warning',
    outcome: 'failure',
    says: 'A transfer was broken off',
    reasons: {
      'session-ended': 'the session of the user ended',
      unknown: 'it could not be found out whether the session of the user still stands',
      'too-slow': 'the client sent or read too slowly',
      'taken-over': 'the user began it again on another connection',
      malformed: 'the client sent what is no frame, or no frame of this place',
      cut: 'the connection broke',
      closing: 'the server ends',
      failed: 'the server failed',
    },
  },
} as const satisfies Record<string, EventRow>;

type Table = typeof securityEvents;
export type SecurityEventKind = keyof Table;
type ReasonOf<K extends SecurityEventKind> = Table[K] extends { readonly reasons: infer R }
  ? keyof R
  : never;

interface About {
  /** The handle of the session. */
  readonly session?: string;
  /** Whose account it is about. */
  readonly userId?: string;
  /** Who did it, where that is another user: an administrator. */
  readonly actorId?: string;
  /** How many of the kind this one stands for; absent: one. */
  readonly count?: number;
  /** The id of the file; its name was typed by somebody. */
  readonly file?: string;
  /** How long the file is. */
  readonly bytes?: number;
}

/** What whoever notices an event has to say; the rest is filled in. */
export type Noticed = {
  [K in SecurityEventKind]: About & { readonly kind: K; readonly reason?: ReasonOf<K> };
}[SecurityEventKind];

export type SecurityEvent = Noticed & {
  /** Milliseconds since the Unix epoch. */
  readonly time: number;
  readonly severity: Severity;
  readonly outcome: 'success' | 'failure';
  readonly server: string;
  /** The client's network address, as far as the proxies before us are trusted. */
  readonly address?: string;
  readonly requestId?: string;
};
