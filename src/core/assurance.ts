// Named policies for sessions, after the authenticator assurance levels of NIST SP 800-63B-4: what
// holds where an operator says nothing else, and why (OWASP ASVS 5.0 7.1.1, 7.1.2). NIST bounds how
// long a session lasts and how long it may lie idle; how fresh a proof of identity must be and how
// many sessions a user may have it leaves open, and the answers here are ours. A name says how long
// sessions last, and nothing about how many factors a login takes.

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;

export type AssuranceLevel = 'aal1' | 'aal2' | 'aal3';

interface Bounds {
  readonly idleMs: number;
  readonly absoluteMs: number;
  /** For sensitive operations the user must have proven this recently who they are. */
  readonly freshMs: number;
  readonly sessionsMax: number;
  readonly atLimit: 'end-oldest' | 'refuse';
}

export interface AssurancePolicy extends Bounds {
  readonly says: string;
  readonly because: Readonly<Record<keyof Bounds, string>>;
  /** The most that NIST SP 800-63B-4 asks for; absent where it sets no bound. */
  readonly nist: { readonly absoluteMs: number; readonly idleMs?: number };
}

export const assurance: Readonly<Record<AssuranceLevel, AssurancePolicy>> = {
  aal1: {
    says: 'little is at stake: people stay logged in for weeks',
    idleMs: 7 * day,
    absoluteMs: 30 * day,
    freshMs: 15 * minute,
    sessionsMax: 100,
    atLimit: 'end-oldest',
    because: {
      idleMs: 'who comes once a week stays logged in; a lost device does not for longer',
      absoluteMs: 'the longest that NIST asks for',
      freshMs: 'one visit to the account’s settings takes one proof',
      sessionsMax: 'more than anyone has devices: it bounds what one account can cost the store',
      atLimit: 'the oldest is the one most likely forgotten, and nobody is locked out',
    },
    nist: { absoluteMs: 30 * day },
  },
  aal2: {
    says: 'personal data or money: a working day',
    idleMs: 30 * minute,
    absoluteMs: 12 * hour,
    freshMs: 5 * minute,
    sessionsMax: 25,
    atLimit: 'end-oldest',
    because: {
      idleMs: 'outlasts a talk or a form, and not a lunch; NIST would have twice as much',
      absoluteMs: 'a long working day, so that nobody logs in twice in one; NIST would have two',
      freshMs: 'long enough to do what it was given for, too short to find the desk left',
      sessionsMax: 'a few devices with a few browsers; many more look like a shared password',
      atLimit: 'who logs in has just proven who they are, so an older login gives way',
    },
    nist: { absoluteMs: 24 * hour, idleMs: 1 * hour },
  },
  aal3: {
    says: 'administration: as short as people can bear, and few at a time',
    idleMs: 15 * minute,
    absoluteMs: 8 * hour,
    freshMs: 2 * minute,
    sessionsMax: 3,
    atLimit: 'refuse',
    because: {
      idleMs: 'the longest that NIST asks for',
      absoluteMs: 'one shift; NIST would have 12 hours',
      freshMs: 'each sensitive step takes a proof of its own',
      sessionsMax: 'a workstation, a second one, and one for an emergency',
      atLimit: 'a stolen password must not quietly push out an administrator at work',
    },
    nist: { absoluteMs: 12 * hour, idleMs: 15 * minute },
  },
};
