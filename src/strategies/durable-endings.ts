// Any strategy, with its endings in a log of their own. An ending is in the log before anything
// else happens, so what is acknowledged cannot be lost with the sessions; and whoever is recognised
// must stand by the log too, so a store that forgot a logout revives nobody. Normally the log's view
// is asked, in memory; when that is too old the log itself is, and without its answer nobody is
// anybody. Two endings happen inside a store, where only a decorated store sees them.

import { assurance } from '../core/assurance.ts';
import { afterWrite, OperatingError } from '../core/errors.ts';
import { after, type MaybePromise } from '../core/maybe-promise.ts';
import { anonymous, type Recognition } from '../core/recognition.ts';
import type { EndReason, Session, StoredSession } from '../core/session.ts';
import type { RevocationLog } from '../revocations/revocation-log.ts';
import type { Rotation, SessionStore } from '../stores/store.ts';
import { hasEnded } from './login.ts';
import type { Recogniser, RequestHeaders, StrategyOptions } from './strategy.ts';

const revoked = anonymous('revoked');

/**
 * What `open` makes; with `options.revocations`, bound to that log. Every strategy starts by this,
 * so that nobody can be given one that writes endings and does not ask for them, or the reverse.
 */
export function bound(
  open: (options: StrategyOptions) => Recogniser,
  options: StrategyOptions,
): Recogniser {
  const { revocations: log, store } = options;
  if (log === undefined) return open(options);
  const inner = open({ ...options, store: loggedStore(store, log) });

  const recognise = (headers: RequestHeaders) => after(inner.recognise(headers), stillStanding);

  function stillStanding(recognition: Recognition): MaybePromise<Recognition> {
    if (recognition.kind !== 'recognised') return recognition;
    const standing = log?.standing(recognition.session);
    if (standing === 'stands') return recognition;
    if (standing === 'ended') return revoked;
    return askedAbout(recognition);
  }

  async function askedAbout(recognition: Recognition & { kind: 'recognised' }) {
    try {
      const hasEnded = (await log?.ask(recognition.session)) !== 'stands';
      return hasEnded ? revoked : recognition;
    } catch (cause) {
      if (cause instanceof OperatingError) return { kind: 'unknown', cause } as const;
      throw cause;
    }
  }

  return {
    recognise,
    begin: (user, headers) => inner.begin(user, headers),
    async change(session, changes) {
      return (await hasEnded(log, session)) ? { outcome: 'gone' } : inner.change(session, changes);
    },
    async refresh(headers, refreshToken) {
      const presented = await recognise(headers);
      if (presented.kind === 'unknown') throw presented.cause;
      if (presented === revoked) return { outcome: 'refused', reason: 'revoked' };
      return inner.refresh(headers, refreshToken);
    },
    async stepUp(session, headers) {
      if (await hasEnded(log, session)) return { outcome: 'refused', reason: 'revoked' };
      return inner.stepUp(session, headers);
    },
    ...loggedEndings(inner, log, options),
    leave: (headers) => inner.leave(headers),
    endOne: (owner, handle, reason) => inner.endOne(owner, handle, reason),
    list: (owner) => inner.list(owner),
    stands: async (session) => !(await hasEnded(log, session)) && inner.stands(session),
    use: (session) => inner.use(session),
    csrfToken: (headers) => inner.csrfToken(headers),
    csrfMatches: (headers, token) => inner.csrfMatches(headers, token),
    forget: () => inner.forget(),
  };
}

/** The endings of a user, each in the log before it happens; one session's a strategy logs itself. */
function loggedEndings(inner: Recogniser, log: RevocationLog, options: StrategyOptions) {
  /** No session that lives now lives longer, whichever policy it began under. */
  const longestMs = Math.max(options.lifetimes.absoluteMs, assurance.aal1.absoluteMs);
  const until = () => options.clock.now() + longestMs;

  return {
    async endAll(session: Session) {
      await log.endUser(session.userId, until());
      return afterWrite(inner.endAll(session));
    },
    async endOthers(session: Session, reason: EndReason) {
      const epoch = await log.endUser(session.userId, until(), session);
      if (epoch === 0) throw new OperatingError('session-ended');
      return afterWrite(inner.endOthers(session, reason));
    },
    async endUser(userId: string, reason: EndReason) {
      await log.endUser(userId, until());
      return afterWrite(inner.endUser(userId, reason));
    },
  };
}

/** Neither the current secret nor the one before it, within the grace; and so it stays. */
function isOld(stored: StoredSession, { presentedHash, now, graceMs }: Rotation): boolean {
  const { secretHash, previousSecretHash, rotatedAt } = stored;
  if (presentedHash === secretHash) return false;
  return presentedHash !== previousSecretHash || now >= rotatedAt + graceMs;
}

const endIn = (log: RevocationLog, { id, absoluteExpiresAt }: Session) =>
  log.endSession(id, absoluteExpiresAt);

/** The store, with the endings in the log that happen in it: by the limit, and by reuse. */
function loggedStore(store: SessionStore, log: RevocationLog): SessionStore {
  return {
    async create(session, limit) {
      const created = await store.create(session, limit);
      if (created.outcome !== 'ok') return created;
      const { absoluteExpiresAt } = session;
      const ending = created.ended.map((id) => log.endSession(id, absoluteExpiresAt));
      await afterWrite(Promise.all(ending));
      return created;
    },
    /**
     * The log is asked first: a rotation that nobody is told of would look like reuse later. And a
     * reuse is in the log before the store ends the session, or a repeat would find nothing to end;
     * but one of a credential that was replaced only since it was looked at.
     */
    async rotate(id, rotation) {
      const { now } = rotation;
      const found = await (store.readPastCache?.(id, now) ?? store.read(id, now));
      if (found === undefined || (await log.ask(found)) === 'ended') return { outcome: 'gone' };
      if (isOld(found, rotation)) await endIn(log, found);
      const rotated = await store.rotate(id, rotation);
      if (rotated.outcome === 'reuse') await afterWrite(endIn(log, found));
      return rotated;
    },
    read: (id, now) => store.read(id, now),
    ...(store.readPastCache && { readPastCache: store.readPastCache.bind(store) }),
    update: (...args) => store.update(...args),
    touch: (...args) => store.touch(...args),
    revoke: (...args) => store.revoke(...args),
    revokeAll: (...args) => store.revokeAll(...args),
    list: (...args) => store.list(...args),
    ping: () => store.ping(),
    [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
  };
}
