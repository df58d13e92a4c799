// The accounts as statements. Each is one step, and says what its failure means; what must not be
// told apart from outside (no such user, wrong password, disabled account) takes the same path.

import { randomUUID } from 'node:crypto';
import { type Kysely, sql } from 'kysely';
import { OperatingError } from '../core/errors.ts';
import { limits } from '../core/limits.ts';
import { type AccountName, readName } from '../core/user-name.ts';
import type { Account, Accounts, Asker, User, Verification, Verified } from './accounts.ts';
import type { Database } from './database.ts';
import { knownDevice, newDevice } from './device.ts';
import { readEmail } from './email.ts';
import { networkOf } from './network.ts';
import { answered } from './outage.ts';
import { type Passwords, readPassword } from './password.ts';
import { bucketsOf, registrationBucketsOf, type Throttle } from './throttle.ts';
import { isWellKnown } from './well-known-password.ts';

const pageRows = 500;

export class PostgresAccounts implements Accounts {
  readonly #db: Kysely<Database>;
  readonly #passwords: Passwords;
  readonly #throttle: Throttle;
  readonly #admins: ReadonlySet<string>;

  constructor(
    db: Kysely<Database>,
    passwords: Passwords,
    throttle: Throttle,
    adminUsers: readonly string[],
  ) {
    this.#db = db;
    this.#passwords = passwords;
    this.#throttle = throttle;
    this.#admins = new Set(adminUsers.flatMap((name) => readName(name)?.key ?? []));
  }

  async register(text: string, password: string, address?: string): Promise<User> {
    const known = readName(text);
    if (known === undefined) throw invalid('A user name has 1 to 64 visible characters');
    const { name, key: name_key } = known;
    const secret = await chosen(password, known);
    if (address !== undefined) await this.#throttle.charge(registrationBucketsOf(address));
    const id = randomUUID();
    const password_hash = await this.#passwords.hash(secret, 'newcomer');
    if (this.#admins.has(name_key)) throw new OperatingError('name-taken');
    const insert = this.#db
      .insertInto('users')
      .values({ id, name, name_key, password_hash })
      .onConflict((conflict) => conflict.column('name_key').doNothing())
      .returning('id');
    const made = await answered('write', insert.executeTakeFirst());
    if (made === undefined) throw new OperatingError('name-taken');
    return { id, name };
  }

  async verify(text: string, password: string, asker: Asker): Promise<Verification> {
    const [name, secret] = [readName(text), readPassword(password)];
    if (name === undefined) return { outcome: 'refused', reason: 'unknown-user' };
    if (secret === undefined) return { outcome: 'refused', reason: 'wrong-password' };
    const found = await this.#row('name_key', name.key);
    const device = knownDevice(asker.device, found?.password_hash);
    const buckets = bucketsOf(name.key, asker.address, asker.session ?? device);
    const giveBack = await this.#throttle.charge(buckets);
    const right = await this.#passwords
      .verify(secret, found?.password_hash, networkOf(asker.address))
      .catch(async (cause: unknown) => {
        await giveBack();
        throw cause;
      });
    if (found === undefined) return { outcome: 'refused', reason: 'unknown-user' };
    const { id: userId, name: shown, generation, password_hash: stored } = found;
    if (!right) return { outcome: 'refused', reason: 'wrong-password', userId };
    if (found.disabled_at !== null) {
      return { outcome: 'refused', reason: 'account-disabled', userId };
    }
    await giveBack();
    const hash = await this.#rehash(userId, secret, stored);
    const user = { id: userId, name: shown, generation };
    const isKnown = device !== undefined && hash === stored;
    return { outcome: 'verified', user: isKnown ? user : { ...user, newDevice: newDevice(hash) } };
  }

  async changeSince({ id, generation }: Verified) {
    const row = await this.#row('id', id);
    if (row === undefined || row.disabled_at !== null) return 'account-disabled';
    return row.generation === generation ? undefined : 'password-changed';
  }

  async setPassword({ id, name, generation }: Verified, password: string): Promise<boolean> {
    const known = readName(name);
    if (known === undefined) throw new Error('a user has a name that can be none');
    const password_hash = await this.#passwords.hash(await chosen(password, known));
    const update = this.#db
      .updateTable('users')
      .set({ password_hash, password_changed_at: sql`now()`, generation: generation + 1 })
      .where('id', '=', id)
      .where('generation', '=', generation)
      .returning('id');
    return (await answered('write', update.executeTakeFirst())) !== undefined;
  }

  async setEmail(id: string, text: string | null): Promise<string | null> {
    const email = text === null ? null : readEmail(text);
    if (email === undefined) throw invalid('This cannot be an e-mail address');
    const update = this.#db.updateTable('users').set({ email }).where('id', '=', id);
    await answered('write', update.execute());
    return email;
  }

  async disable(id: string): Promise<void> {
    const now = sql<Date>`coalesce(disabled_at, now())`;
    const update = this.#db
      .updateTable('users')
      .set({ disabled_at: now, generation: sql`generation + 1` })
      .where('id', '=', id);
    await answered('write', update.execute());
  }

  async enable(id: string): Promise<void> {
    const update = this.#db.updateTable('users').set({ disabled_at: null }).where('id', '=', id);
    await answered('write', update.execute());
  }

  async find(text: string): Promise<Account | undefined> {
    const name = readName(text);
    return name && accountOf(await this.#row('name_key', name.key));
  }

  async byId(id: string): Promise<Account | undefined> {
    return accountOf(await this.#row('id', id));
  }

  async isAdmin(id: string): Promise<boolean> {
    const row = await this.#row('id', id);
    if (row === undefined || row.disabled_at !== null) return false;
    return row.role === 'admin' || this.#admins.has(row.name_key);
  }

  async *ids(): AsyncIterable<readonly string[]> {
    let last = '00000000-0000-0000-0000-000000000000';
    for (;;) {
      const select = this.#db.selectFrom('users').select('id').where('id', '>', last);
      const rows = await answered('read', select.orderBy('id').limit(pageRows).execute());
      if (rows.length === 0) return;
      yield rows.map(({ id }) => id);
      last = rows.at(-1)?.id ?? last;
    }
  }

  async ping(): Promise<void> {
    await answered('read', sql`select 1`.execute(this.#db));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#db.destroy();
  }

  #row(column: 'id' | 'name_key', value: string) {
    const select = this.#db.selectFrom('users').selectAll().where(column, '=', value);
    return answered('read', select.executeTakeFirst());
  }

  /** Brings the stored hash to the cost of today, if it can; resolves to the hash that is kept. */
  async #rehash(id: string, secret: Buffer, stored: string): Promise<string> {
    if (!this.#passwords.isOutdated(stored)) return stored;
    try {
      const password_hash = await this.#passwords.hash(secret);
      const update = this.#db
        .updateTable('users')
        .set({ password_hash })
        .where('id', '=', id)
        .where('password_hash', '=', stored)
        .returning('id');
      const done = await answered('write', update.executeTakeFirst());
      return done === undefined ? stored : password_hash;
    } catch (cause) {
      if (cause instanceof OperatingError) return stored;
      throw cause;
    }
  }
}

function accountOf(
  row: (User & { email: string | null; disabled_at: Date | null }) | undefined,
): Account | undefined {
  if (row === undefined) return undefined;
  return { id: row.id, name: row.name, email: row.email, disabled: row.disabled_at !== null };
}

/** A password that a user may choose. @throws OperatingError `invalid-request` */
async function chosen(password: string, { key }: AccountName): Promise<Buffer> {
  const secret = readPassword(password);
  if (secret === undefined) throw invalid(passwordRule);
  if (await isWellKnown(password, key)) throw invalid('Anybody would guess this password early on');
  return secret;
}

const passwordRule =
  `A password has ${limits.passwordCharsMin} to ${limits.passwordCharsMax} characters ` +
  'of well-formed Unicode';

function invalid(detail: string): OperatingError {
  return new OperatingError('invalid-request', { detail });
}
