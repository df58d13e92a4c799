// Our kinds of records in the words of the OWASP Logging Vocabulary (Cheat Sheet Series), for those
// who search many applications for the same things. A kind that the vocabulary has no word for has
// none here. A kind may be narrower than its word: step-up is a login of who is logged in.

import type { SecurityEventKind } from '../core/security-event.ts';
import type { AuditEntry, LogNote } from './audit-log.ts';

type Kind = AuditEntry['kind'] | LogNote['kind'];

const words: Readonly<Record<Kind, string | null>> = {
  registered: 'user_created',
  login: 'authn_login_success',
  'login-refused': 'authn_login_fail',
  logout: 'session_expired',
  'session-ended': 'session_expired',
  refresh: 'session_renewed',
  'reuse-detected': 'authn_token_reuse',
  'step-up': 'authn_login_success',
  'step-up-refused': 'authn_login_fail',
  'password-changed': 'authn_password_change',
  'email-changed': 'user_updated',
  'account-disabled': 'authn_login_lock',
  'account-enabled': 'user_updated',
  'credential-refused': 'authz_fail',
  'csrf-refused': 'malicious_cors',
  'access-refused': 'authz_fail',
  'sessions-viewed': 'authz_admin',
  'input-refused': 'input_validation_fail',
  'insecure-transport': null,
  throttled: 'excess_rate_limit_exceeded',
  'revocation-not-durable': null,
  'store-unavailable': null,
  'file-stored': 'upload_stored',
  'file-received': null,
  'file-removed': 'upload_delete',
  'file-shared': 'authz_change',
  'file-refused': 'upload_validation',
  'transfer-broken-off': null,
  started: 'sys_startup',
  stopped: 'sys_shutdown',
  access: null,
  'torn-tail': 'sys_crash',
  gap: 'sys_monitor_disabled',
  'clock-set-back': null,
  retired: null,
};

/** Reasons that have a word of their own. */
const byReason: Readonly<Partial<Record<SecurityEventKind, Readonly<Record<string, string>>>>> = {
  'credential-refused': {
    expired: 'session_use_after_expire',
    revoked: 'session_use_after_expire',
    superseded: 'session_use_after_expire',
  },
  'file-refused': {
    'not-found': 'authz_fail',
    'not-allowed': 'authz_fail',
    quota: 'excess_rate_limit_exceeded',
  },
};

export function owaspWord(kind: Kind, reason?: string): string | null {
  const narrower = byReason[kind as SecurityEventKind]?.[reason ?? ''];
  return narrower ?? words[kind];
}
