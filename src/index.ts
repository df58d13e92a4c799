// The published surface: sessions for any server (strategies, stores, what they are made of), the
// judging of histories, and the client for transferring files. A hand-written list: what is not
// here may change without notice.

export { judge } from './checkers/engine.ts';
export { type AssuranceLevel, type AssurancePolicy, assurance } from './core/assurance.ts';
export { type Clock, systemClock } from './core/clock.ts';
export { Credential } from './core/credential.ts';
export { type ErrorCode, errors, OperatingError } from './core/errors.ts';
export type {
  Completion,
  FaultEvent,
  HistoryEvent,
  Invocation,
  RunHeader,
} from './core/history.ts';
export { type Lifetimes, lifetimes, limits } from './core/limits.ts';
export type { AnonymousReason, Recognition } from './core/recognition.ts';
export type {
  EndReason,
  FieldChange,
  Fields,
  Json,
  Session,
  StoredSession,
} from './core/session.ts';
export {
  compareAndSet,
  counters,
  defineSession,
  lastWriter,
  type SessionDefinition,
  type SessionSchema,
  set,
} from './core/session-schema.ts';
export {
  type Claims,
  type Outcome,
  type PropertyName,
  properties,
  type Verdict,
  type Witness,
} from './core/verdict.ts';
export * as keys from './keys/index.ts';
export type {
  KeyRing,
  KeyRingOptions,
  KeyRings,
  SigningKey,
  TokenAlgorithm,
  TokenKey,
} from './keys/key-ring.ts';
export { newTokenKey } from './keys/token-key.ts';
export * as revocations from './revocations/index.ts';
export type {
  RevocationLog,
  RevocationOptions,
  Revocations,
} from './revocations/revocation-log.ts';
export * as stores from './stores/index.ts';
export type {
  Rotated,
  Rotation,
  SessionStore,
  Store,
  StoreOptions,
  Updated,
} from './stores/store.ts';
export * as strategies from './strategies/index.ts';
export { newSealingKeys } from './strategies/sealing.ts';
export type {
  Changed,
  Changes,
  Issue,
  Recogniser,
  Refreshed,
  RequestHeaders,
  SessionSummary,
  Strategy,
  StrategyOptions,
} from './strategies/strategy.ts';
export {
  connectTransfer,
  type ReceiveOptions,
  type SendOptions,
  type StoredFile,
  type TransferClient,
  type TransferCredential,
  type TransferOptions,
  type TransferProgress,
} from './transfer/client.ts';
