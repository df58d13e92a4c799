// What a presented secret does to a session, as a function without a store: the current secret is
// replaced, the one before it is absorbed for a while, and any other is a sign of theft. Stores
// that decide elsewhere (in a script, in a statement) decide the same.

import { type StoredSession, withoutSecrets } from '../core/session.ts';
import type { Rotated, Rotation } from './store.ts';

/** The outcome and the record after it; no record when the session must end. */
export function rotate(session: StoredSession, rotation: Rotation): [Rotated, StoredSession?] {
  const { presentedHash, nextHash: secretHash, sealedNext: sealedSecret, now, graceMs } = rotation;
  if (presentedHash === session.secretHash) {
    const replaced = { secretHash, sealedSecret, previousSecretHash: presentedHash };
    const next = { ...session, ...replaced, rotatedAt: now };
    return [{ outcome: 'rotated', session: withoutSecrets(next) }, next];
  }
  const { previousSecretHash, sealedSecret: sealed, rotatedAt } = session;
  if (presentedHash === previousSecretHash && sealed !== null && now < rotatedAt + graceMs) {
    const kept = withoutSecrets(session);
    return [{ outcome: 'absorbed', session: kept, sealedSecret: sealed }, session];
  }
  return [{ outcome: 'reuse', handle: session.handle }];
}
