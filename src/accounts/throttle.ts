// How fast passwords may be tried. An attempt is charged to its buckets before the password is
// looked at, in one statement, and given back when it was right: so any number at once, over any
// number of servers, is counted, and good logins cost nothing. A bucket holds so many failures and
// loses them evenly over an hour; it is kept as the time when it will be empty (the generic cell
// rate algorithm of ITU-T I.371). Where the shared buckets cannot be reached each server has its
// own, which hold a fifth: fewer attempts get through an outage, never more.

import { hash } from 'node:crypto';
import { type Kysely, sql } from 'kysely';
import { LRUCache } from 'lru-cache';
import { OperatingError } from '../core/errors.ts';
import { networkOf, siteOf } from './network.ts';
import { translated } from './outage.ts';

const windowSeconds = 60 * 60;
const localShare = 5;
const localBucketsMax = 10_000;
/** One attempt in so many clears away empty buckets, a bounded number of them. */
const sweepEvery = 64;
const sweptMax = 1_000;

/** How many failures per hour each kind of bucket holds, for one of the smallest kind. */
const sizes = {
  /** One account, tried from one network: the client that has mistyped, or guesses. */
  pair: 1,
  /** One account, from a device that was let in before, or from within a session. */
  known: 1,
  /** One account, from anywhere: many networks that guess together. Only strangers are charged. */
  account: 5,
  /** One network, for any accounts: spraying. A whole company may sit behind one address. */
  network: 30,
  /** All networks of an IPv6 site, which may be a subscriber with 65,536 of them. */
  site: 120,
  /** New accounts from one network, and from one site: each is hashing, and stays. */
  registration: 30,
  registrationSite: 120,
} as const;

export interface Bucket {
  readonly kind: keyof typeof sizes;
  readonly key: string;
}

/**
 * What an attempt is charged to. `known` names the device or the session, if it was let in before:
 * it has a bucket of its own, which no stranger can fill.
 */
export function bucketsOf(
  account: string,
  address: string,
  known: string | undefined,
): readonly Bucket[] {
  if (known !== undefined) return [bucket('known', account, known)];
  const pair = bucket('pair', account, networkOf(address));
  return [pair, bucket('account', account), ...originOf(address, 'network', 'site')];
}

/** What a registration is charged to, for good. */
export function registrationBucketsOf(address: string): readonly Bucket[] {
  return originOf(address, 'registration', 'registrationSite');
}

function originOf(
  address: string,
  kind: Bucket['kind'],
  siteKind: Bucket['kind'],
): readonly Bucket[] {
  const [network, site] = [networkOf(address), siteOf(address)];
  return network === site
    ? [bucket(kind, network)]
    : [bucket(kind, network), bucket(siteKind, site)];
}

function bucket(kind: Bucket['kind'], ...parts: readonly string[]): Bucket {
  return { kind, key: `${kind}:${hash('sha256', JSON.stringify(parts), 'base64url')}` };
}

interface Attempts {
  login_attempts: { key: string; empty_at: Date };
}

export class Throttle {
  readonly #db: Kysely<Attempts>;
  readonly #failuresMax: number;
  readonly #local = new LRUCache<string, number>({ max: localBucketsMax });
  #attempts = 0;

  /** `failuresMax`: how many failures per hour the smallest bucket holds. */
  constructor(db: Kysely<Attempts>, failuresMax: number) {
    this.#db = db;
    this.#failuresMax = failuresMax;
  }

  /**
   * Charges one attempt to every bucket, or to none. Resolves to what gives it back.
   *
   * @throws OperatingError `too-many-attempts` when one of them is full
   */
  async charge(buckets: readonly Bucket[]): Promise<() => Promise<void>> {
    this.#attempts += 1;
    if (this.#attempts % sweepEvery === 0) await orOutage(this.#sweep());
    const shared = await orOutage(this.#chargeShared(buckets));
    const fullForSeconds = shared === outage ? this.#chargeLocally(buckets) : shared;
    if (fullForSeconds > 0) {
      const retryAfterSeconds = Math.ceil(fullForSeconds);
      throw new OperatingError('too-many-attempts', { retryAfterSeconds });
    }
    return async () => {
      if (shared === outage) this.#giveBackLocally(buckets);
      // In an outage the account pays for a failure that was none, and the login is good.
      else await orOutage(this.#giveBack(buckets));
    };
  }

  /** The seconds until there is room; 0 when there was. */
  async #chargeShared(buckets: readonly Bucket[]): Promise<number> {
    const charged = await sql<{ key: string }>`
      insert into login_attempts as held (key, empty_at)
      select key, now() + make_interval(secs => cost) from ${this.#asked(buckets)} order by key
      on conflict (key) do update
        set empty_at = greatest(held.empty_at, now()) + (excluded.empty_at - now())
        where greatest(held.empty_at, now()) + (excluded.empty_at - now())
          <= now() + make_interval(secs => ${windowSeconds})
      returning key`.execute(this.#db);
    const keys = new Set(charged.rows.map(({ key }) => key));
    const full = buckets.filter(({ key }) => !keys.has(key));
    if (full.length === 0) return 0;
    await this.#giveBack(buckets.filter(({ key }) => keys.has(key)));
    const waits = await sql<{ wait: number }>`
      select extract(epoch from empty_at - now())::float8 + cost - ${windowSeconds} as wait
      from login_attempts join ${this.#asked(full)} using (key)`.execute(this.#db);
    return Math.max(1, ...waits.rows.map(({ wait }) => wait));
  }

  async #giveBack(buckets: readonly Bucket[]): Promise<void> {
    if (buckets.length === 0) return;
    await sql`
      with asked as (select * from ${this.#asked(buckets)}), held as (
        select key from login_attempts join asked using (key) order by key
        for update of login_attempts)
      update login_attempts set empty_at = empty_at - make_interval(secs => cost)
      from asked join held using (key) where login_attempts.key = asked.key`.execute(this.#db);
  }

  #chargeLocally(buckets: readonly Bucket[]): number {
    const now = Date.now() / 1_000;
    const after = buckets.map(({ kind, key }) => {
      const emptyAt = Math.max(this.#local.get(key) ?? 0, now) + this.#localCost(kind);
      return { key, emptyAt };
    });
    const over = Math.max(...after.map(({ emptyAt }) => emptyAt - now - windowSeconds));
    if (over > 0) return Math.max(1, over);
    for (const { key, emptyAt } of after) this.#local.set(key, emptyAt);
    return 0;
  }

  #giveBackLocally(buckets: readonly Bucket[]): void {
    for (const { kind, key } of buckets) {
      this.#local.set(key, (this.#local.get(key) ?? 0) - this.#localCost(kind));
    }
  }

  /** A bucket of a server's own holds one failure at least. */
  #localCost(kind: Bucket['kind']): number {
    return Math.min(windowSeconds, this.#cost(kind) * localShare);
  }

  #cost(kind: Bucket['kind']): number {
    return windowSeconds / (this.#failuresMax * sizes[kind]);
  }

  #asked(buckets: readonly Bucket[]) {
    const keys = buckets.map(({ key }) => key);
    const costs = buckets.map(({ kind }) => this.#cost(kind));
    return sql`unnest(${keys}::text[], ${costs}::float8[]) as asked(key, cost)`;
  }

  async #sweep(): Promise<void> {
    await sql`
      delete from login_attempts where key in (
        select key from login_attempts where empty_at <= now()
        limit ${sweptMax} for update skip locked)`.execute(this.#db);
  }
}

const outage = Symbol('the shared buckets cannot be reached');

async function orOutage<T>(asked: Promise<T>): Promise<T | typeof outage> {
  return asked.catch((cause: unknown) => {
    const error = translated('read', cause);
    if (error instanceof OperatingError) return outage;
    throw error;
  });
}
