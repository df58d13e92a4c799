// The cache behind a slow wire that loses messages, while another server writes and the feed comes
// late, is flushed, lost and back: in every order that a seed can draw, a read knows at least what
// was announced, or acknowledged here, before it began. INTERLEAVINGS sets how many are explored.

import { expect, test } from 'vitest';
import { OperatingError } from '../../src/core/errors.ts';
import { type Random, seededRandom } from '../../src/core/random.ts';
import type { StoredSession } from '../../src/core/session.ts';
import { CachedSessions } from '../../src/stores/cached-sessions.ts';
import { memory } from '../../src/stores/memory.ts';
import type { SessionStore } from '../../src/stores/store.ts';
import { remote } from '../simulation/remote-store.ts';
import { Scheduler } from '../simulation/scheduler.ts';
import { override } from '../support/override.ts';
import { HandFeed } from './hand-feed.ts';
import { newSession, newUser } from './subject.ts';

const interleavings = Number(process.env.INTERLEAVINGS ?? 10_000);
const seed = process.env.SEED ?? 'cached';

/** After every revision. */
const ended = Number.POSITIVE_INFINITY;

/** One user's two sessions, by how far each has come: its revision, or that it has ended. */
type Versions = Map<string, number>;

function raise(versions: Versions, id: string, version: number): void {
  versions.set(id, Math.max(versions.get(id) ?? 0, version));
}

/** Announces, as Redis does, what it wrote; notes what is true, and what has been told of it. */
class Announcing {
  readonly truth: Versions = new Map();
  readonly told: Versions = new Map();
  readonly feed = new HandFeed();
  readonly store: SessionStore;
  readonly #scheduler: Scheduler;
  #underWay: (readonly [id: string | null, truth: Versions])[] = [];

  constructor(store: SessionStore, scheduler: Scheduler, sessions: readonly StoredSession[]) {
    this.#scheduler = scheduler;
    const wrote = (id: string, version: number) => {
      raise(this.truth, id, version);
      this.announce(id);
    };
    this.store = override(store, {
      async update(id, ...rest) {
        const updated = await store.update(id, ...rest);
        if (updated.outcome === 'ok') wrote(id, updated.revision);
        return updated;
      },
      async revoke(id, ...rest) {
        const revoked = await store.revoke(id, ...rest);
        if (revoked) wrote(id, ended);
        return revoked;
      },
      async revokeAll(userId, reason, now, except) {
        const count = await store.revokeAll(userId, reason, now, except);
        for (const { id } of sessions) if (id !== except) wrote(id, ended);
        return count;
      },
    });
  }

  /** Announcements come in their order, each in a turn of its own; those of a lost feed never. */
  announce(id: string | null): void {
    if (!this.feed.isTrusted) return;
    this.#underWay.push([id, new Map(this.truth)]);
    const line = this.#underWay;
    void this.#scheduler.turn().then(() => {
      const next = line.shift();
      if (next === undefined || line !== this.#underWay) return;
      this.feed.tell(next[0]);
      for (const [told, version] of next[1]) {
        if (next[0] === null || next[0] === told) raise(this.told, told, version);
      }
    });
  }

  lose(): void {
    this.#underWay = [];
    this.feed.lose();
  }

  restore(): void {
    for (const [id, version] of this.truth) raise(this.told, id, version);
    this.feed.restore();
  }

  /** How new a read that begins now must be. */
  leastOf(id: string): number {
    const known = this.feed.isTrusted ? this.told : this.truth;
    return known.get(id) ?? 0;
  }
}

const common = ['read', 'read', 'read', 'write here', 'write there'] as const;
const rare = ['end here', 'end there', 'end others here', 'flush', 'lose'] as const;
type Happening = (typeof common)[number] | (typeof rare)[number];

async function interleave(random: Random): Promise<string[]> {
  const scheduler = new Scheduler(random);
  const userId = newUser();
  const sessions = [newSession({ userId }), newSession({ userId })];
  const there = await memory.open({ timeoutMs: 1_000 });
  for (const session of sessions) await there.create(session);
  const home = new Announcing(there, scheduler, sessions);
  const wire = remote(home.store, scheduler, random);
  const here = new CachedSessions(wire, home.feed, { entriesMax: 8 });
  const now = sessions[0]?.createdAt ?? 0;
  const violations: string[] = [];

  async function read(id: string): Promise<void> {
    const least = home.leastOf(id);
    const found = await here.read(id, now);
    if (found === undefined && home.truth.get(id) !== ended)
      violations.push('a living session is gone');
    if (found !== undefined && found.revision < least) {
      violations.push(`a read found revision ${found.revision}, and ${least} was known before`);
    }
  }

  async function write(store: SessionStore, id: string): Promise<void> {
    const updated = await store.update(id, [{ op: 'increment', field: 'n', by: 1 }], now);
    if (store === here && updated.outcome === 'ok') raise(home.told, id, updated.revision);
  }

  async function end(store: SessionStore, id: string): Promise<void> {
    if ((await store.revoke(id, 'logout', now)) && store === here) raise(home.told, id, ended);
  }

  async function endOthers(except: string): Promise<void> {
    await here.revokeAll(userId, 'logout-everywhere', now, except);
    for (const { id } of sessions) if (id !== except) raise(home.told, id, ended);
  }

  async function happen(event: Happening): Promise<void> {
    const { id } = random.pick(sessions);
    for (let waits = random.below(8); waits > 0; waits -= 1) await scheduler.turn();
    if (event === 'read') await read(id);
    else if (event === 'write here') await write(here, id);
    else if (event === 'write there') await write(home.store, id);
    else if (event === 'end here') await end(here, id);
    else if (event === 'end there') await end(home.store, id);
    else if (event === 'end others here') await endOthers(id);
    else if (event === 'flush') home.announce(null);
    else if (home.feed.isTrusted) {
      home.lose();
      await scheduler.turn();
      home.restore();
    }
  }

  const picked: Happening[] = Array.from({ length: 6 + random.below(10) }, () =>
    random.pick(common),
  );
  for (let count = random.below(3); count > 0; count -= 1) picked.push(random.pick(rare));
  for (const event of picked) void happen(event).catch(expectOutage);
  await scheduler.run();
  for (const { id } of sessions) raise(home.told, id, home.truth.get(id) ?? 0);
  for (const { id } of [...sessions, ...sessions]) void read(id).catch(expectOutage);
  await scheduler.run();
  return violations;
}

function expectOutage(error: unknown): void {
  if (error instanceof OperatingError && error.code.startsWith('store-')) return;
  throw error;
}

test(`in ${interleavings} interleavings no read is older than what was known before it`, {
  timeout: 600_000,
}, async () => {
  const found: string[] = [];
  for (let which = 0; which < interleavings && found.length < 10; which += 1) {
    const violations = await interleave(seededRandom(`${seed}/${which}`));
    found.push(...violations.map((violation) => `${seed}/${which}: ${violation}`));
  }
  expect(found).toEqual([]);
});
