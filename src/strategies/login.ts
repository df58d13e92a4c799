// What strategies keep in the store and do with it in the same way: the record of a login, the
// replacement of its credential, and the list in which users see and end their own logins. How a
// client proves that a login is its own is not here; that is where the strategies differ.

import assert from 'node:assert/strict';
import { Credential, newHandle, type Purpose, userTag } from '../core/credential.ts';
import { afterWrite, OperatingError } from '../core/errors.ts';
import { type Lifetimes, limits } from '../core/limits.ts';
import { after, type MaybePromise } from '../core/maybe-promise.ts';
import {
  applyChanges,
  type EndReason,
  expiresAt,
  type FieldChange,
  type Fields,
  type Session,
  type StoredSession,
} from '../core/session.ts';
import { anyFields, upcast } from '../core/session-schema.ts';
import type { Judged, RevocationLog } from '../revocations/revocation-log.ts';
import type { SessionLimit, SessionStore } from '../stores/store.ts';
import type { Changes, Owner, Refusal, SessionSummary, StrategyOptions } from './strategy.ts';

/** What a login begins with besides the user. */
export interface LoginTerms {
  /** How often all sessions of the user had been ended before. */
  readonly epoch: number;
  /** Which version of the application's schema it starts in. */
  readonly dataVersion: number;
  readonly limit?: SessionLimit;
  /** Of its credential; absent: it opens the session by itself. */
  readonly purpose?: Purpose;
}

export async function loginTerms(
  { revocations, schema, sessionLimit }: StrategyOptions,
  userId: string,
): Promise<LoginTerms> {
  const epoch = (await revocations?.epochOf(userId)) ?? 0;
  const dataVersion = schema?.version ?? 0;
  return { epoch, dataVersion, ...(sessionLimit && { limit: sessionLimit }) };
}

export interface Login {
  readonly credential: Credential;
  readonly record: StoredSession;
}

/**
 * Writes down a session that begins now.
 *
 * @throws OperatingError `too-many-sessions`
 */
export async function beginLogin(
  store: SessionStore,
  user: { readonly id: string; readonly name: string },
  now: number,
  lifetimes: Lifetimes,
  terms: LoginTerms,
): Promise<Login> {
  const login = newLogin(user, now, lifetimes, terms);
  const { outcome } = await store.create(login.record, terms.limit);
  if (outcome === 'full') throw new OperatingError('too-many-sessions');
  assert(outcome === 'ok', 'an id with 144 random bits is new');
  return login;
}

/** A session with an id that no client had a say in (fixation, ASVS 7.2.4). */
export function newLogin(
  user: { readonly id: string; readonly name: string },
  now: number,
  lifetimes: Lifetimes,
  { epoch, dataVersion, purpose }: LoginTerms,
): Login {
  const credential = Credential.issue(user.id, purpose);
  const record: StoredSession = {
    id: credential.id,
    handle: newHandle(),
    userId: user.id,
    userName: user.name,
    createdAt: now,
    lastSeenAt: now,
    authenticatedAt: now,
    rotatedAt: now,
    absoluteExpiresAt: now + lifetimes.absoluteMs,
    idleExpiresAt: now + lifetimes.idleMs,
    revision: 0,
    epoch,
    dataVersion,
    fields: {},
    secretHash: credential.secretHash,
    previousSecretHash: null,
    sealedSecret: null,
  };
  return { credential, record };
}

export type Replaced =
  /** `credential` is what its holder presents from now on. */
  | { readonly outcome: 'ok'; readonly credential: Credential; readonly session: Session }
  | Refusal
  | { readonly outcome: 'reuse'; readonly handle: string };

/** Before the sealed successor of a step-up: it is for nobody who comes late without a proof. */
const proofMark = '!';

/**
 * Replaces the credential (rotation) and notes the use. With a `proof` the user has just proven
 * again who they are; a credential from before gains that by no refresh: one that comes late stays
 * what it is until its grace is over.
 *
 * @throws OperatingError `session-conflict` for a proof with a credential that a refresh replaced:
 *   whoever else was given the successor has proven nothing, and to replace that one as well would
 *   make all that is still under way with this one look like theft
 */
export async function replaceCredential(
  { store, clock, lifetimes }: Pick<StrategyOptions, 'store' | 'clock' | 'lifetimes'>,
  presented: Credential,
  proof: 'proof' | 'no-proof',
): Promise<Replaced> {
  const now = clock.now();
  const proven = proof === 'proof';
  const next = Credential.reissue(presented.id, presented.purpose);
  const rotated = await store.rotate(presented.id, {
    presentedHash: presented.secretHash,
    nextHash: next.secretHash,
    sealedNext: (proven ? proofMark : '') + presented.seal(next),
    now,
    graceMs: lifetimes.rotationGraceMs,
  });
  if (rotated.outcome === 'reuse') return rotated;
  if (rotated.outcome === 'gone') return { outcome: 'refused', reason: 'not-found' };
  const isLate = rotated.outcome === 'absorbed';
  const isByProof = isLate && rotated.sealedSecret.startsWith(proofMark);
  if (proven && isLate && !isByProof) throw new OperatingError('session-conflict');
  const successor = isLate ? presented.unseal(withoutMark(rotated.sealedSecret)) : next;
  const idleExpiresAt = now + lifetimes.idleMs;
  const provenAt = proven ? ([now] as const) : ([] as const);
  const used = store.touch(presented.id, now, idleExpiresAt, ...provenAt);
  if (!(await afterWrite(used))) return { outcome: 'refused', reason: 'revoked' };
  const session = { ...rotated.session, lastSeenAt: now, idleExpiresAt };
  if (proven) {
    return { outcome: 'ok', credential: successor, session: { ...session, authenticatedAt: now } };
  }
  return isByProof
    ? { outcome: 'ok', credential: presented, session: beforeProof(session) }
    : { outcome: 'ok', credential: successor, session };
}

/** The form token of the credential that this one replaced. */
export function formTokenBefore(
  credential: Credential,
  { sealedSecret }: StoredSession,
): string | undefined {
  return sealedSecret === null ? undefined : credential.formTokenBefore(withoutMark(sealedSecret));
}

function withoutMark(sealed: string): string {
  return sealed.startsWith(proofMark) ? sealed.slice(proofMark.length) : sealed;
}

/** The session as a credential from before the last proof of identity opens it. */
export function beforeProof(session: Session): Session {
  return { ...session, authenticatedAt: Math.min(session.authenticatedAt, session.createdAt) };
}

/**
 * The fields after the changes, if a session may be so large. They are counted on the session as
 * this request saw it: requests that overlap can pass the limit by as many fields as they add.
 *
 * @throws OperatingError `session-too-large`
 */
export function changed(fields: Fields, wanted: Changes): Fields {
  const changes = changesFor(fields, wanted);
  for (const change of changes) {
    if (change.field.length > limits.fieldNameCharsMax) throw tooLarge('a field name is too long');
    if (change.op !== 'set') continue;
    if (Buffer.byteLength(JSON.stringify(change.value)) > limits.fieldValueBytesMax) {
      throw tooLarge('the value of a field is too large');
    }
  }
  const after = applyChanges(fields, changes);
  if (Object.keys(after).length > limits.fieldsMax) throw tooLarge('there are too many fields');
  return after;
}

export function changesFor(fields: Fields, changes: Changes): readonly FieldChange[] {
  return typeof changes === 'function' ? changes(fields) : changes;
}

/** The session with its data in the schema's version; undefined when there is no way to it. */
export function upToDate(session: Session, schema = anyFields): Session | undefined {
  if (session.dataVersion === schema.version) return session;
  const fields = upcast(schema, session.dataVersion, session.fields);
  return fields && { ...session, fields, dataVersion: schema.version };
}

export function tooLarge(detail: string): OperatingError {
  return new OperatingError('session-too-large', { detail });
}

type Kept = Pick<StrategyOptions, 'store' | 'clock' | 'revocations'>;

/** As far as the log is known here, or by its own answer where that is too long ago. */
export async function hasEnded(log: RevocationLog | undefined, session: Judged): Promise<boolean> {
  const standing = log?.standing(session);
  return (standing === 'stale' ? await log?.ask(session) : standing) === 'ended';
}

/** The user's logins, as their owner sees them, oldest first. */
export async function listLogins(
  { store, clock, revocations }: Kept,
  { userId }: Owner,
): Promise<readonly SessionSummary[]> {
  const sessions = await store.list(userId, clock.now());
  const ended = await Promise.all(sessions.map((each) => hasEnded(revocations, each)));
  return sessions.filter((_, at) => !ended[at]).map(summaryOf);
}

/** Is the login still in the store? Asks as little as a store can be asked, and is no use of it. */
export function isKept({ store, clock }: Kept, { id }: Session): MaybePromise<boolean> {
  return after(store.read(id, clock.now()), (stored) => stored !== undefined);
}

/** Moves the idle limit, as far as the absolute one lets it. Undefined when it has ended. */
export async function useLogin(
  { store, clock, lifetimes }: Pick<StrategyOptions, 'store' | 'clock' | 'lifetimes'>,
  session: Session,
): Promise<Session | undefined> {
  const now = clock.now();
  const used = { ...session, lastSeenAt: now, idleExpiresAt: now + lifetimes.idleMs };
  return (await store.touch(session.id, now, used.idleExpiresAt)) ? used : undefined;
}

export function summaryOf(session: Session): SessionSummary {
  const { handle, createdAt, lastSeenAt } = session;
  return { handle, createdAt, lastSeenAt, expiresAt: expiresAt(session) };
}

/**
 * Ends the login of this handle if it is the user's own. That there is none is answered when it is
 * durable: an earlier call may have ended it and failed. A store marks that beside any id of the
 * user's, and nothing is called by their tag alone.
 */
export async function endLogin(
  options: Kept,
  { userId }: Owner,
  handle: string,
  reason: EndReason,
): Promise<boolean> {
  const { store, clock } = options;
  // Also what has expired: a touch may be under way that is judged by an earlier clock.
  const sessions = await store.list(userId, 0);
  const wanted = sessions.find((session) => session.handle === handle);
  if (wanted !== undefined) return endSession(options, wanted, reason);
  return store.revoke(userTag(userId), reason, clock.now());
}

/** Ends one session: in the log of endings first, where there is one, and then in the store. */
export async function endSession(
  { store, clock, revocations }: Kept,
  { id, absoluteExpiresAt }: Session,
  reason: EndReason,
): Promise<boolean> {
  if (revocations === undefined) return store.revoke(id, reason, clock.now());
  await revocations.endSession(id, absoluteExpiresAt);
  return afterWrite(store.revoke(id, reason, clock.now()));
}
