// What the laws of a store stand on: two openings of it, as two servers would have, and what many
// of the laws say in one breath.

import { afterAll, beforeAll, expect, vi } from 'vitest';
import type { FieldChange, Json, StoredSession } from '../../src/core/session.ts';
import type { Rotation, SessionStore } from '../../src/stores/store.ts';
import { newSession, type Subject } from './subject.ts';

export const increment = (field: string, by: number): FieldChange => ({
  op: 'increment',
  field,
  by,
});
export const set = (field: string, value: Json): FieldChange => ({ op: 'set', field, value });

/** As if the writer and the reader were not one process: without prototypes and shared objects. */
export const plain = (value: unknown) => JSON.parse(JSON.stringify(value));

/** From one secret to another, within a grace of a second. */
export function rotation(from: string, to: string, now: number): Rotation {
  const hashes = { presentedHash: from, nextHash: to, sealedNext: `${to}-sealed-with-${from}` };
  return { ...hashes, now, graceMs: 1_000 };
}

export class Ground {
  here!: SessionStore;
  there!: SessionStore;
  #toldWithinMs = 0;

  /** To be called within a `describe`. */
  static under({ openTwice, toldWithinMs }: Subject): Ground {
    const ground = new Ground();
    ground.#toldWithinMs = toldWithinMs;
    beforeAll(async () => {
      [ground.here, ground.there] = await openTwice();
    });
    afterAll(async () => {
      for (const store of new Set([ground.here, ground.there])) await store[Symbol.asyncDispose]();
    });
    return ground;
  }

  /** The servers take turns. */
  at(turn: number): SessionStore {
    return turn % 2 ? this.here : this.there;
  }

  async begin(changes: Partial<StoredSession> = {}): Promise<StoredSession> {
    const session = newSession(changes);
    expect(await this.here.create(session)).toEqual({ outcome: 'ok', ended: [] });
    return session;
  }

  async expectGone(id: string, now: number): Promise<void> {
    const gone = { outcome: 'gone' };
    for (const store of [this.here, this.there]) {
      const read = async () => expect(await store.read(id, now)).toBeUndefined();
      await (this.#toldWithinMs > 0 ? vi.waitFor(read, this.#toldWithinMs) : read());
      expect(await store.update(id, [set('x', 1)], now)).toEqual(gone);
      expect(await store.update(id, [set('x', 1)], now, { expected: 0 })).toEqual(gone);
      expect(await store.touch(id, now, now + 300_000)).toBe(false);
      expect(await store.rotate(id, rotation('secret-0', 'n', now))).toEqual(gone);
      expect(await store.revoke(id, 'logout', now)).toBe(false);
    }
  }
}
