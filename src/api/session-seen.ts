// What a history shows of one session: made by whom, known by whom since, ended when. Each function
// gives the session after one more thing was seen of it.

import type { RunHeader } from '../core/history.ts';
import type { Arrived, ServerSeen, SessionSeen } from './stage.ts';

export function opened(login: Arrived): SessionSeen {
  const { began, user, client, server, incarnation, endedAt } = login;
  return {
    ...{ name: began ?? '', user, client, server, incarnation },
    ...{ madeAt: endedAt, issuedAt: endedAt, lastKnownAt: endedAt },
    ...{ state: 'alive', knownTimes: 0, refusedTimes: 0, endedAt: null, acceptedAfterEndMs: null },
  };
}

export function ended(session: SessionSeen, at: number): SessionSeen {
  return session.endedAt === null ? { ...session, state: 'ended', endedAt: at } : session;
}

/** After a request with its credential was answered. */
export function observed(
  session: SessionSeen,
  arrived: Arrived,
  servers: ReadonlyMap<string, ServerSeen>,
): SessionSeen {
  const { fate, startedAt, endedAt } = arrived;
  if (fate === 'known') {
    const known = { ...session, knownTimes: session.knownTimes + 1, lastKnownAt: endedAt };
    if (session.endedAt === null) {
      return { ...known, state: session.refusedTimes > 0 ? 'flapping' : 'alive' };
    }
    // A logout that ended it was itself accepted, and is no proof of a lag.
    if (startedAt <= session.endedAt) return known;
    const lagMs = Math.max(session.acceptedAfterEndMs ?? 0, startedAt - session.endedAt);
    return { ...known, acceptedAfterEndMs: lagMs };
  }
  if (fate !== 'nobody') return session;
  const refused = { ...session, refusedTimes: session.refusedTimes + 1 };
  if (session.endedAt !== null) return refused;
  const maker = servers.get(session.server ?? '');
  const isMakerGone = maker !== undefined && maker.state !== 'up' && maker.state !== 'paused';
  const isLost = arrived.server === session.server || isMakerGone || session.state === 'lost';
  return { ...refused, state: isLost ? 'lost' : 'flapping' };
}

/** May the credential have ended by itself at this moment? */
export function expired(session: SessionSeen, run: RunHeader | null, at: number): boolean {
  if (run === null) return false;
  const { idleMs, absoluteMs, accessTokenMs } = run.lifetimes;
  if (at > session.madeAt + absoluteMs) return true;
  if (run.selfContained) return at > session.issuedAt + Math.min(accessTokenMs, idleMs);
  return at > session.lastKnownAt + 0.9 * idleMs;
}
