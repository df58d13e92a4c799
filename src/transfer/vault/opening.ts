// Opening a vault: the lock, the folders, and one look at all that is there. What was on its way
// out goes, parts that nobody went on with go, files that cannot be read make way, and the rest is
// counted. Names that are not the vault's own are left alone.

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
import { formerName, isFileId, isFormerName, ownerKey, readPartName } from './record.ts';
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
  readonly warnings: readonly string[];
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
  for (const name of await shelves.removed.names()) {
    if (isFormerName(name)) await shelves.removed.remove(name);
  }
  const records = new Map<string, FileRecord>();
  const quota = new Quota(room);
  for (const [id, { record }] of await readFiles(shelves.files, new Map())) {
    records.set(id, record);
    quota.count(ownerKey(record.owner), record.bytes, 1);
  }
  // The process before this one may have died between writing a record and saying so.
  await shelves.files.touch();
  const warnings = await setAside(path, shelves.files, records);
  const turns = new Turns();
  const parts = new Parts(shelves, quota, turns, clock);
  await findParts(shelves.incoming, records, parts);
  await parts.dropOld(clock.now() - partAgeMsMax);
  return { held: held.move(), shelves, quota, turns, parts, records, warnings };
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

/** Nobody has it and nobody can remove it; but it may be all that is left of somebody's file. */
async function setAside(
  path: string,
  files: Folder,
  records: ReadonlyMap<string, FileRecord>,
): Promise<readonly string[]> {
  const ids = (await files.names()).filter((name) => isFileId(name) && !records.has(name));
  if (ids.length === 0) return [];
  await using aside = await openShelf(path, 'unreadable');
  const warnings: string[] = [];
  for (const id of ids) {
    const name = formerName(id);
    await files.move(id, aside, name);
    const where = join(path, 'unreadable', name);
    warnings.push(`${where} has no record that can be read, and is nobody's. See what it is.`);
  }
  return warnings;
}

async function findParts(
  incoming: Folder,
  records: ReadonlyMap<string, FileRecord>,
  parts: Parts,
): Promise<void> {
  for (const name of await incoming.names()) {
    const known = readPartName(name);
    if (known === undefined) continue;
    const there = records.has(known.id) ? undefined : await look(incoming, name);
    if (there === undefined) await incoming.remove(name);
    else parts.found({ ...known, ...there });
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
