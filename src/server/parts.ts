// What a server is put together from, and where a variant of it may differ. A decoration wraps
// parts of the one program (that is how the planted faults of the tests are made); it cannot swap
// the composition itself.

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import type { FastifyBaseLogger, FastifyInstance, RawServerDefault } from 'fastify';
import type { Accounts } from '../accounts/accounts.ts';
import type { AuditLog } from '../audit/audit-log.ts';
import type { SessionSchema } from '../core/session-schema.ts';
import type { KeyRing } from '../keys/key-ring.ts';
import type { RevocationLog } from '../revocations/revocation-log.ts';
import type { SessionStore } from '../stores/store.ts';
import type { Recogniser } from '../strategies/strategy.ts';
import type { ReadableVault, Vault } from '../transfer/vault.ts';
import type { Config } from './config.ts';
import type { Meter } from './meter.ts';

/** The web application. TypeBox gives the types of the routes' JSON schemas; nothing of it runs. */
export type App = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  TypeBoxTypeProvider
>;

export interface Parts {
  readonly config: Config;
  readonly store: SessionStore;
  readonly recogniser: Recogniser;
  /** Absent: users log in at other servers. */
  readonly accounts?: Accounts;
  /** Where endings are kept apart from the sessions, if anywhere. */
  readonly revocations?: RevocationLog;
  /** The keys that sign, for strategies that sign. */
  readonly keys?: KeyRing;
  /** What counts; absent: one that is made for the server. */
  readonly meter?: Meter;
  /** Where security events go, some before they are answered. Absent: the process's log. */
  readonly audit?: AuditLog;
  /** Where transferred files are kept. */
  readonly vault?: ReadableVault;
  /** The same, at the one server that takes files as well. */
  readonly writableVault?: Vault;
}

/** A server at which users log in. */
export interface AccountParts extends Parts {
  readonly accounts: Accounts;
}

export interface Decoration {
  /** The application's data in another version than this one's. */
  readonly schema?: SessionSchema;
  store?(store: SessionStore): SessionStore;
  recogniser?(recogniser: Recogniser, store: SessionStore): Recogniser;
  accounts?(accounts: Accounts): Accounts;
  vault?(vault: Vault): Vault;
  /** Runs before the routes are added: for hooks. */
  app?(app: App): void;
}
