// P1: nobody is ever served as somebody else. Every answer that names a user is held against the
// login that the presented credential came from; a forged credential, or none, may name nobody; and
// no two logins may be given the same credential, whether or not anybody noticed yet.

import type { Witness } from '../core/verdict.ts';
import type { Checker, Observation } from './checker.ts';
import { ruling } from './engine/ruling.ts';
import { confidence, count, line } from './engine/wording.ts';

const lacks = 'no answer named anybody';

export const identity: Checker = {
  property: 'identity',
  chapter: 'docs/concepts/01-what-a-session-is.md',
  start() {
    let decisive = 0;
    let broken = 0;
    let duplicates = 0;
    let witness: Witness | null = null;

    return {
      observe(observation) {
        if (!decides(observation)) return;
        decisive += 1;
        if (observation.issuedBefore !== undefined) duplicates += 1;
        const because = mistake(observation);
        if (because === undefined) return;
        broken += 1;
        witness ??= { events: evidence(observation), because };
      },
      verdict() {
        const of = `${count(broken)} of ${count(decisive)}`;
        return ruling('identity', { broken, decisive, witness, lacks }, { duplicates }, () =>
          broken > 0
            ? `${of} answers took somebody for somebody else`
            : `${of} answers named somebody else${confidence(decisive)}`,
        );
      },
    };
  },
};

/** Answers that name somebody, and answers to a bearer who is nobody. */
function decides({ invocation, completion, deadBy }: Observation): boolean {
  if (completion.t !== 'ok') return false;
  if (completion.seen?.user) return true;
  return deadBy === 'forgery' || (invocation.cred === null && completion.seen !== undefined);
}

function mistake(observation: Observation): string | undefined {
  const { invocation, completion, owner, deadBy, issuedBefore } = observation;
  const served = completion.seen?.user;
  if (issuedBefore !== undefined) {
    const { name, user } = issuedBefore;
    return `the answer issues the very credential that belongs to ${name} of ${user}`;
  }
  if (!served) return undefined;
  if (invocation.f === 'login') {
    return served === invocation.user ? undefined : `${invocation.user} logged in, not ${served}`;
  }
  if (deadBy === 'forgery') return 'the presented credential was never issued to anybody';
  if (invocation.cred === null) return 'no credential was presented';
  if (owner === undefined || owner === served) return undefined;
  return `the presented credential was issued to ${owner}, not to ${served}`;
}

function evidence(observation: Observation): string[] {
  const before = observation.issuedBefore ?? observation.session;
  return before === undefined ? [line(observation)] : [line(before.login), line(observation)];
}
