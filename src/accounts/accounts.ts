// The users of the application, in PostgreSQL: who there is, whether a password is theirs, and who
// may do what. A wrong name costs as much work as a wrong password, and a disabled account looks
// like both, so that answers and their times tell nobody which names exist; registering does tell,
// as it must. Sessions are none of its business: whoever changes a password ends them.

import { openDatabase } from './database.ts';
import { type Hashing, hashingDefaults, Passwords } from './password.ts';
import { PostgresAccounts } from './postgres-accounts.ts';
import { Throttle } from './throttle.ts';

export interface User {
  readonly id: string;
  readonly name: string;
}

export interface Account extends User {
  readonly email: string | null;
  readonly disabled: boolean;
}

/** A user whose password was just seen. */
export interface Verified extends User {
  /** The state of the account in which it was right: see `changeSince`. */
  readonly generation: number;
  /** To be given to a device that is not known yet: see device.ts. */
  readonly newDevice?: string;
}

export type Verification =
  | { readonly outcome: 'verified'; readonly user: Verified }
  /** For the audit: clients get one answer for all reasons. */
  | {
      readonly outcome: 'refused';
      readonly reason: 'unknown-user' | 'wrong-password' | 'account-disabled';
      readonly userId?: string;
    };

/** Who asks to have a password looked at. */
export interface Asker {
  /** The client's address, as the server believes it. */
  readonly address: string;
  /** What the device was given at an earlier login. */
  readonly device?: string | undefined;
  /** The handle of the living session from which the password's owner is asked again. */
  readonly session?: string;
}

/**
 * Every method may throw OperatingError `accounts-unavailable`; and those that write
 * `accounts-outcome-unknown`, when the database did not say whether it was done.
 */
export interface Accounts extends AsyncDisposable {
  /**
   * Charged to the network of the address, if one is given: whoever runs the service has none.
   *
   * @throws OperatingError `name-taken`, `too-many-attempts`, `overloaded` when too many passwords
   * are being hashed, or `invalid-request` when the name or the password breaks a rule.
   */
  register(name: string, password: string, address?: string): Promise<User>;

  /**
   * Verified when there is a user of this name who may log in, and this is the password.
   *
   * @throws OperatingError `too-many-attempts`, whether or not there is such a user, and
   * `overloaded` when too many passwords are being hashed
   */
  verify(name: string, password: string, asker: Asker): Promise<Verification>;

  /**
   * What has happened to the account since it was verified, if anything: a reason to end what the
   * login began. Asked when the session exists, so that none slips past the ending of all.
   */
  changeSince(user: Verified): Promise<'account-disabled' | 'password-changed' | undefined>;

  /**
   * False when the account has changed since it was verified: nothing was written.
   *
   * @throws OperatingError `invalid-request` when the password breaks a rule, and `overloaded`
   */
  setPassword(user: Verified, password: string): Promise<boolean>;

  /** Resolves to the address as it is kept. @throws OperatingError `invalid-request` */
  setEmail(id: string, email: string | null): Promise<string | null>;

  /** From now on the user cannot log in; the caller ends the sessions that there are. */
  disable(id: string): Promise<void>;
  enable(id: string): Promise<void>;

  find(name: string): Promise<Account | undefined>;
  byId(id: string): Promise<Account | undefined>;

  /** May the user administer others? Asked each time, so that a right that was taken is gone. */
  isAdmin(id: string): Promise<boolean>;

  /** The ids of all users, in pages. */
  ids(): AsyncIterable<readonly string[]>;

  /** Rejects when the database does not answer. For readiness. */
  ping(): Promise<void>;
}

export interface AccountsOptions {
  readonly databaseUrl: string;
  /** Members that are missing have their defaults. */
  readonly hashing?: Partial<Hashing>;
  /** How long getting a connection may take, and how long a statement, in milliseconds. */
  readonly timeoutMs: number;
  /** Wrong passwords per hour for one account from one network; the other bounds follow from it. */
  readonly failuresMax?: number;
  /** Names of users who are administrators whatever the database says. Nobody can register them. */
  readonly adminUsers?: readonly string[];
}

const failuresMaxDefault = 10;

/** Makes the tables if they are missing. @throws OperatingError `accounts-unavailable` */
export async function openAccounts(options: AccountsOptions): Promise<Accounts> {
  const { databaseUrl, hashing, timeoutMs, adminUsers = [] } = options;
  const [db, passwords] = await Promise.all([
    openDatabase(databaseUrl, timeoutMs),
    Passwords.prepare({ ...hashingDefaults, ...hashing }),
  ]);
  const throttle = new Throttle(db, options.failuresMax ?? failuresMaxDefault);
  return new PostgresAccounts(db, passwords, throttle, adminUsers);
}
