// Named policies for sessions, after the authenticator assurance levels of NIST SP 800-63B-4: what
// holds where an operator says nothing else. NIST bounds how long a session lasts and how long it
// may lie idle; how fresh a proof of identity must be and how many sessions a user may have it
// leaves open, and the answers here are ours (OWASP ASVS 5.0 7.1.1, 7.1.2).

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;

export type AssuranceLevel = 'aal1' | 'aal2' | 'aal3';

export interface AssurancePolicy {
  readonly says: string;
  readonly idleMs: number;
  readonly absoluteMs: number;
  readonly freshMs: number;
  readonly sessionsMax: number;
  readonly atLimit: 'end-oldest' | 'refuse';
}

export const assurance: Readonly<Record<AssuranceLevel, AssurancePolicy>> = {
  aal1: {
    says: 'little is at stake: people stay logged in for weeks',
    idleMs: 7 * day,
    // NIST: at most 30 days, and no idle limit is demanded.
    absoluteMs: 30 * day,
    freshMs: 15 * minute,
    sessionsMax: 100,
    atLimit: 'end-oldest',
  },
  aal2: {
    says: 'personal data or money: a working day',
    // NIST: at most 1 hour and 24 hours.
    idleMs: 30 * minute,
    absoluteMs: 12 * hour,
    freshMs: 5 * minute,
    sessionsMax: 25,
    atLimit: 'end-oldest',
  },
  aal3: {
    says: 'administration: as short as people can bear, and few at a time',
    // NIST: at most 15 minutes and 12 hours.
    idleMs: 15 * minute,
    absoluteMs: 8 * hour,
    freshMs: 2 * minute,
    sessionsMax: 3,
    atLimit: 'refuse',
  },
};
