// The users of the application, in PostgreSQL: who there is, and whether a password is theirs. A
// wrong name costs as much work as a wrong password, so that answers and their times tell nobody
// which names exist; registering does tell, as it must. Sessions are none of its business.

import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import { OperatingError } from '../core/errors.ts';
import { limits } from '../core/limits.ts';
import { openDatabase } from './database.ts';
import { readName } from './name.ts';
import { translated } from './outage.ts';
import { type Hashing, hashingDefaults, Passwords, readPassword } from './password.ts';

export interface User {
  readonly id: string;
  readonly name: string;
}

/**
 * Every method may throw OperatingError `accounts-unavailable`; and register
 * `accounts-outcome-unknown`, when the database did not say whether it was done.
 */
export interface Accounts extends AsyncDisposable {
  /**
   * @throws OperatingError `name-taken`, `overloaded` when too many passwords are being hashed, or
   * `invalid-request` when the name or the password breaks a rule.
   */
  register(name: string, password: string): Promise<User>;

  /**
   * The user, if there is one of this name whose password this is.
   *
   * @throws OperatingError `overloaded` when too many passwords are being hashed
   */
  verify(name: string, password: string): Promise<User | undefined>;

  /** Rejects when the database does not answer. For readiness. */
  ping(): Promise<void>;
}

export interface AccountsOptions {
  readonly databaseUrl: string;
  /** Members that are missing have their defaults. */
  readonly hashing?: Partial<Hashing>;
  /** How long getting a connection may take, and how long a statement, in milliseconds. */
  readonly timeoutMs: number;
}

/** Makes the tables if they are missing. @throws OperatingError `accounts-unavailable` */
export async function openAccounts(options: AccountsOptions): Promise<Accounts> {
  const { databaseUrl, hashing, timeoutMs } = options;
  const [db, passwords] = await Promise.all([
    openDatabase(databaseUrl, timeoutMs),
    Passwords.prepare({ ...hashingDefaults, ...hashing }),
  ]);
  return {
    async register(name, password) {
      const known = readName(name);
      if (known === undefined) throw invalid('A user name has 1 to 64 visible characters');
      const secret = readPassword(password);
      if (secret === undefined) throw invalid(passwordRule);
      const user = { id: randomUUID(), name: known.name };
      const password_hash = await passwords.hash(secret);
      const made = await db
        .insertInto('users')
        .values({ ...user, name_key: known.key, password_hash })
        .onConflict((conflict) => conflict.column('name_key').doNothing())
        .returning('id')
        .executeTakeFirst()
        .catch((cause) => {
          throw translated('write', cause);
        });
      if (made === undefined) throw new OperatingError('name-taken');
      return user;
    },

    async verify(name, password) {
      const known = readName(name);
      const secret = readPassword(password);
      if (known === undefined || secret === undefined) return undefined;
      const found = await db
        .selectFrom('users')
        .select(['id', 'name', 'password_hash'])
        .where('name_key', '=', known.key)
        .executeTakeFirst()
        .catch((cause) => {
          throw translated('read', cause);
        });
      const right = await passwords.verify(secret, found?.password_hash);
      return right && found ? { id: found.id, name: found.name } : undefined;
    },

    async ping() {
      await sql`select 1`.execute(db).catch((cause) => {
        throw translated('read', cause);
      });
    },

    async [Symbol.asyncDispose]() {
      await db.destroy();
    },
  };
}

const passwordRule =
  `A password has ${limits.passwordCharsMin} to ${limits.passwordCharsMax} characters ` +
  'of well-formed Unicode';

function invalid(detail: string): OperatingError {
  return new OperatingError('invalid-request', { detail });
}
