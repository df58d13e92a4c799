// How a change reaches a session in a store. Mostly it goes there as it is, and the store puts it
// on whatever it finds in the schema's version, in one step. Where the change depends on what it
// finds, or the record is in another version, it is made for one revision, and made anew when
// another request was first.

import { OperatingError } from '../core/errors.ts';
import type { Fields, Session } from '../core/session.ts';
import { anyFields, difference, upcast } from '../core/session-schema.ts';
import { changed, changesFor } from './login.ts';
import type { Changes, StrategyOptions } from './strategy.ts';

const attemptsMax = 5;

/**
 * The fields afterwards; undefined when the session is gone, or beyond this schema.
 *
 * @throws OperatingError `session-too-large`, `session-conflict`
 */
export async function changeStored(
  { store, clock, schema = anyFields }: StrategyOptions,
  session: Session,
  changes: Changes,
): Promise<Fields | undefined> {
  const { id } = session;
  const now = clock.now();
  if (typeof changes !== 'function' && session.dataVersion === schema.version) {
    changed(session.fields, changes);
    const updated = await store.update(id, changes, now, { madeFor: schema.version });
    if (updated.outcome === 'ok') return updated.fields;
    if (updated.outcome === 'gone') return undefined;
  }
  for (let attempt = 0; attempt < attemptsMax; attempt += 1) {
    const stored = await store.read(id, now);
    if (stored === undefined) return undefined;
    const fields = upcast(schema, stored.dataVersion, stored.fields);
    if (fields === undefined) return undefined;
    const wanted = changesFor(fields, changes);
    changed(fields, wanted);
    const all = [...difference(stored.fields, fields), ...wanted];
    const options = { expected: stored.revision, dataVersion: schema.version };
    const updated = await store.update(id, all, now, options);
    if (updated.outcome !== 'conflict') {
      return updated.outcome === 'ok' ? updated.fields : undefined;
    }
  }
  throw new OperatingError('session-conflict');
}
