// Opening a vault: the lock, the folders, and one look at all that is there. What was on its way
// out goes, parts that nobody went on with go, and the rest is counted.

import { lstat, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../../core/clock.ts';
import { makeFolder } from '../../core/durable-folder.ts';
import { OperatingError } from '../../core/errors.ts';
import { lockForWriting } from '../../core/writer-lock.ts';
import type { FileRecord } from '../vault.ts';
import { Folder, isAbsent } from './folder.ts';
import { Parts, type Shelves } from './parts.ts';
import { Quota, type Room } from './quota.ts';
import { readFiles } from './reading.ts';
import { ownerKey, readPartName } from './record.ts';
import { Turns } from './turns.ts';

export interface Inventory {
  /** The lock and the shelves, for as long as the vault is open. */
  readonly held: AsyncDisposable;
  readonly shelves: Shelves;
  readonly quota: Quota;
  readonly turns: Turns;
  readonly parts: Parts;
  /** By id. */
  readonly records: Map<string, FileRecord>;
}

/** @throws OperatingError `vault-unavailable`, or an error of the system */
export async function takeInventory(
  given: string,
  room: Room,
  clock: Clock,
  partAgeMsMax: number,
): Promise<Inventory> {
  await makeFolder(given);
  const path = await realpath(given);
  await using held = new AsyncDisposableStack();
  held.use(await lockVault(path));
  const shelves = {
    incoming: held.use(await openShelf(path, 'incoming')),
    files: held.use(await openShelf(path, 'files')),
    removed: held.use(await openShelf(path, 'removed')),
  };
  for (const name of await shelves.removed.names()) await shelves.removed.remove(name);
  const records = new Map<string, FileRecord>();
  const quota = new Quota(room);
  for (const [id, { record }] of await readFiles(shelves.files, new Map())) {
    records.set(id, record);
    quota.count(ownerKey(record.owner), record.bytes, 1);
  }
  const turns = new Turns();
  const parts = new Parts(shelves, quota, turns, clock);
  await findParts(shelves.incoming, records, parts);
  await parts.dropOld(clock.now() - partAgeMsMax);
  return { held: held.move(), shelves, quota, turns, parts, records };
}

async function lockVault(path: string): Promise<Disposable> {
  const there = await lstat(join(path, 'lock')).catch(() => undefined);
  if (there && !there.isFile()) throw unfit(join(path, 'lock'));
  const lock = lockForWriting(path);
  if (lock !== undefined) return lock;
  const detail = `Another process writes the vault ${path}. Give each writer a vault of its own.`;
  throw new OperatingError('vault-unavailable', { detail });
}

async function openShelf(path: string, name: string): Promise<Folder> {
  await makeFolder(join(path, name));
  return Folder.open(join(path, name)).catch((cause: unknown) => {
    throw isAbsent(cause) ? unfit(join(path, name)) : cause;
  });
}

async function findParts(
  incoming: Folder,
  records: ReadonlyMap<string, FileRecord>,
  parts: Parts,
): Promise<void> {
  for (const name of await incoming.names()) {
    const size = await look(incoming, name);
    const known = readPartName(name);
    if (!known || !size) await incoming.remove(name);
    else if (!records.has(known.id))
      parts.found({ ...known, bytes: size.bytes, touchedMs: size.touchedMs });
  }
}

async function look(incoming: Folder, name: string) {
  try {
    await using folder = await incoming.folder(name);
    await using handle = await folder.file('content', 'read');
    const { size, mtimeMs } = await handle.stat();
    return size > 0 ? { bytes: size, touchedMs: mtimeMs } : undefined;
  } catch (cause) {
    if (isAbsent(cause)) return;
    throw cause;
  }
}

function unfit(path: string): OperatingError {
  const detail = `${path} is not what the vault made: it may be a link. Look at it, and remove it.`;
  return new OperatingError('vault-unavailable', { detail });
}
