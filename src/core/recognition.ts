// The answer to "who is this?". There are three: somebody, nobody, and "I could not find out".
// The third is never treated as the second: a server whose store does not answer says so (503)
// and leaves the client's credential alone.

import type { OperatingError } from './errors.ts';
import type { Session } from './session.ts';

/** Why a request is nobody's. For logs and metrics: clients get one answer for all of them. */
export type AnonymousReason =
  | 'no-credential'
  | 'malformed'
  | 'not-found'
  | 'wrong-secret'
  | 'superseded'
  | 'expired'
  | 'revoked'
  | 'unknown-version'
  | 'bad-signature'
  | 'wrong-claims';

export type Recognition =
  | {
      readonly kind: 'recognised';
      readonly session: Session;
      /** Header fields that the answer must carry, where use renews the credential itself. */
      readonly headers?: ReadonlyArray<readonly [name: string, value: string]>;
    }
  | { readonly kind: 'anonymous'; readonly reason: AnonymousReason }
  | { readonly kind: 'unknown'; readonly cause: OperatingError };

export function anonymous(reason: AnonymousReason): Recognition {
  return { kind: 'anonymous', reason };
}
