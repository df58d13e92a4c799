// What is known of every session at every moment: which logins and ends were acknowledged (must),
// and which may have happened (may). An observation is judged against both: against what was
// certain when it began, and against what was possible until it completed. An operation that may
// still take effect (info) stays possible for ever. The ledger judges nothing itself.

import type { Completion, Invocation, RunHeader } from '../../core/history.ts';
import type { Exchange, KnownSession, Observation, Standing } from '../checker.ts';
import { type CredentialFacts, Expiry, type Use } from './expiry.ts';

interface Session extends KnownSession {
  end: Exchange | undefined;
  /** Position in the history at which its login was acknowledged. */
  readonly acknowledgedAt: number;
  /** Operations, under way or indefinite, that may end it. */
  mayEnd: number;
  /** Something that left no other trace may have ended it. */
  doubtful: boolean;
  /** Refreshes under way or indefinite. */
  refreshes: number;
  /** Refreshes met: the server may take one of them, or a later one, for reuse, and end it. */
  mayMeetReuse: boolean;
  readonly use: Use;
}

interface User {
  readonly living: Set<Session>;
  /** Logouts everywhere, under way or indefinite. */
  mayEndAll: number;
  endedAll: number;
}

interface Credential extends CredentialFacts {
  readonly session: Session;
  /** Another may have taken its place: a refresh that has not certainly failed presented it. */
  replaced: boolean;
}

interface Death {
  readonly by: 'end' | 'expiry' | 'forgery';
  readonly since: number;
}

/** An operation under way, with what was certain when it began. */
export interface Begun {
  readonly invocation: Invocation;
  readonly position: number;
  readonly session: Session | undefined;
  readonly credential: Credential | undefined;
  readonly dead: Death | undefined;
  /** Of the user of the invocation: logouts everywhere acknowledged before. */
  readonly endedAll: number;
}

export class SessionLedger {
  readonly #expiry: Expiry;
  readonly #selfContained: boolean;
  readonly #sessions = new Map<string, Session>();
  readonly #credentials = new Map<string, Credential>();
  readonly #users = new Map<string, User>();
  #position = 0;

  constructor(run: RunHeader) {
    this.#expiry = new Expiry(run);
    this.#selfContained = run.selfContained;
  }

  begin(invocation: Invocation): Begun {
    const credential = this.#credentials.get(invocation.cred ?? '');
    const named = invocation.f === 'forge' ? undefined : this.#sessions.get(invocation.sess ?? '');
    const session = named ?? credential?.session;
    const begun = {
      invocation,
      position: ++this.#position,
      session,
      credential,
      dead: this.#death(invocation, session, credential),
      endedAll: this.#user(invocation.user).endedAll,
    };
    if (invocation.f === 'refresh' && session !== undefined) {
      session.mayMeetReuse ||= session.refreshes > 0 || credential?.replaced === true;
    }
    this.#possible(begun, +1);
    if (session !== undefined) session.use.open += 1;
    return begun;
  }

  complete(begun: Begun, completion: Completion): Observation {
    const { invocation, session, dead } = begun;
    const nobody = completion.t === 'ok' && completion.seen?.user === null;
    if (completion.t !== 'info') this.#possible(begun, -1);
    if (nobody && invocation.f === 'refresh' && session?.mayMeetReuse) session.doubtful = true;
    const mayHaveExpired =
      session !== undefined &&
      this.#expiry.mayHavePassed(invocation, completion.tEnd, session, begun.credential);
    const observation = {
      invocation,
      completion,
      tookFor: tookFor(invocation, completion),
      standing: this.#standing(begun, mayHaveExpired),
      deadSince: dead?.since,
      deadBy: dead?.by,
      mayHaveExpired,
      owner: session?.user,
      session,
      issuedBefore: this.#issuedBefore(invocation, completion),
    };
    if (session !== undefined) this.#expiry.used(session.use, invocation, completion);
    if (invocation.f === 'refresh' && completion.t !== 'fail' && !nobody && begun.credential) {
      begun.credential.replaced = true;
    }
    if (completion.t === 'ok' && !nobody) this.#happened(begun, observation);
    return observation;
  }

  #user(name: string): User {
    let user = this.#users.get(name);
    if (user === undefined) {
      user = { living: new Set(), mayEndAll: 0, endedAll: 0 };
      this.#users.set(name, user);
    }
    return user;
  }

  #death(
    invocation: Invocation,
    session: Session | undefined,
    credential: Credential | undefined,
  ): Death | undefined {
    if (session === undefined) {
      const forged = invocation.f === 'forge' && invocation.cred !== null;
      return forged ? { by: 'forgery', since: 0 } : undefined;
    }
    if (session.end !== undefined) return { by: 'end', since: session.end.completion.tEnd };
    const since = this.#expiry.certainlyPassedAt(invocation, session, credential);
    return since < invocation.tInv ? { by: 'expiry', since } : undefined;
  }

  /** Enters (+1) what the operation may do, or takes it out (-1) once that is known. */
  #possible({ invocation, session }: Begun, by: 1 | -1): void {
    const { f } = invocation;
    if (f === 'logout-everywhere') this.#user(session?.user ?? invocation.user).mayEndAll += by;
    if (session === undefined) return;
    if (f === 'logout' || f === 'login') session.mayEnd += by;
    if (f === 'refresh') session.refreshes += by;
  }

  #standing(begun: Begun, mayHaveExpired: boolean): Standing | undefined {
    const { invocation, session, credential, dead } = begun;
    if (dead !== undefined) return 'dead';
    if (invocation.cred === null && invocation.sess === null) return undefined;
    if (session === undefined || mayHaveExpired || session.end !== undefined) return 'ambiguous';
    const mayHaveEnded =
      session.doubtful ||
      session.mayEnd > 0 ||
      this.#user(session.user).mayEndAll > 0 ||
      (session.mayMeetReuse && session.refreshes > 0);
    return mayHaveEnded || this.#mayBeReplaced(session, credential) ? 'ambiguous' : 'live';
  }

  #mayBeReplaced(session: Session, credential: Credential | undefined): boolean {
    return !this.#selfContained && (credential?.replaced === true || session.refreshes > 0);
  }

  #issuedBefore(invocation: Invocation, completion: Completion): KnownSession | undefined {
    const before = this.#credentials.get(completion.set ?? '')?.session;
    const again = invocation.f === 'login' ? completion.sess : invocation.sess;
    return before?.name === again ? undefined : before;
  }

  /** Enters what an acknowledged operation did. */
  #happened(begun: Begun, observation: Observation): void {
    const { session } = begun;
    const { f } = observation.invocation;
    const { set } = observation.completion;
    if ((f === 'logout' || f === 'login') && session !== undefined) {
      // A credential that outlived itself but not its session names nobody, and then ends nothing.
      const outlived = this.#selfContained && observation.mayHaveExpired;
      if (outlived || this.#mayBeReplaced(session, begun.credential)) session.doubtful = true;
      else this.#end(session, observation);
    }
    if (f === 'login') this.#open(begun, observation);
    else if (f === 'logout-everywhere') this.#endAll(begun, observation);
    else if (set !== undefined && session !== undefined) {
      this.#issue(set, session, this.#expiry.reissued(observation, begun.credential));
    }
  }

  #end(session: Session, { invocation, completion }: Exchange): void {
    session.end ??= { invocation, completion };
    this.#user(session.user).living.delete(session);
  }

  /** Ends what was there for certain; what began meanwhile may have escaped. */
  #endAll(begun: Begun, observation: Observation): void {
    const user = this.#user(begun.session?.user ?? begun.invocation.user);
    const certain = observation.standing === 'live' || Boolean(observation.completion.seen?.user);
    user.endedAll += 1;
    for (const session of user.living) {
      if (certain && session.acknowledgedAt < begun.position) this.#end(session, observation);
      else session.doubtful = true;
    }
  }

  #open(begun: Begun, { invocation, completion }: Observation): void {
    const { sess: name, set } = completion;
    if (name === undefined || this.#sessions.has(name)) return;
    const login = { invocation, completion };
    const user = this.#user(invocation.user);
    const session: Session = {
      name,
      user: invocation.user,
      login,
      end: undefined,
      acknowledgedAt: ++this.#position,
      mayEnd: 0,
      doubtful: user.endedAll > begun.endedAll,
      refreshes: 0,
      mayMeetReuse: false,
      use: this.#expiry.firstUse(login),
    };
    this.#sessions.set(name, session);
    user.living.add(session);
    if (set !== undefined) this.#issue(set, session, this.#expiry.issued(login));
  }

  #issue(hash: string, session: Session, facts: CredentialFacts): void {
    if (this.#credentials.has(hash)) return;
    // Of refreshes that met, one answer has replaced the credential that another one issued.
    this.#credentials.set(hash, { ...facts, session, replaced: session.mayMeetReuse });
  }
}

function tookFor(invocation: Invocation, completion: Completion): Observation['tookFor'] {
  if (completion.t !== 'ok' || invocation.f === 'login') return undefined;
  if (completion.seen?.user === null) return 'nobody';
  const toEverybody = invocation.f === 'logout' || invocation.f === 'logout-everywhere';
  return toEverybody ? undefined : 'somebody';
}
