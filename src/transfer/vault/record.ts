// What is written beside a file's content, and the names that the vault makes for what it keeps.

import assert from 'node:assert';
import { hash, randomBytes } from 'node:crypto';
import { Type } from 'typebox';
import { Compile } from 'typebox/compile';
import { readName } from '../../core/user-name.ts';
import type { FileRecord, Visitor } from '../vault.ts';
import { type Folder, isAbsent } from './folder.ts';

export const recordFile = 'record.json';
const recordBytesMax = 1024 * 1024;
/** Written whole and then renamed, so that a record is the old one or the new one. */
const nextRecordFile = 'record.json.next';

const recordForm = Compile(
  Type.Object({
    id: Type.String(),
    owner: Type.String(),
    ownerName: Type.String(),
    name: Type.String(),
    type: Type.String(),
    bytes: Type.Integer({ minimum: 0 }),
    sha256: Type.String({ pattern: '^[0-9a-f]{64}$' }),
    storedAt: Type.Integer(),
    sharedWith: Type.Array(Type.String()),
  }),
);

/** The same for the same upload of the same user, and for no other. */
export function fileId(userId: string, uploadId: string): string {
  return hash('sha256', `file ${uploadId} ${userId}`).slice(0, 32);
}

/** A user as a name on the disk, from which a part's owner is known. */
export function ownerKey(userId: string): string {
  return hash('sha256', `owner ${userId}`).slice(0, 32);
}

export function partName(owner: string, id: string): string {
  return `${owner}.${id}`;
}

export function readPartName(name: string): { owner: string; id: string } | undefined {
  const [, owner, id] = /^([0-9a-f]{32})\.([0-9a-f]{32})$/.exec(name) ?? [];
  return owner === undefined || id === undefined ? undefined : { owner, id };
}

/** Of what has given its place to others: never the same twice. */
export function formerName(id: string): string {
  return `${id}.${randomBytes(8).toString('hex')}`;
}

export function isFormerName(name: string): boolean {
  return /^[0-9a-f]{32}\.[0-9a-f]{16}$/.test(name);
}

export function isFileId(name: string): boolean {
  return /^[0-9a-f]{32}$/.test(name);
}

export function isFor({ userId, userName }: Visitor): (record: FileRecord) => boolean {
  const key = readName(userName)?.key;
  return ({ owner, sharedWith }) =>
    owner === userId || (key !== undefined && sharedWith.includes(key));
}

export function inOrder(records: readonly FileRecord[]): FileRecord[] {
  return records.toSorted((a, b) => a.storedAt - b.storedAt || (a.id < b.id ? -1 : 1));
}

/** Durable when it resolves. */
export async function writeRecord(file: Folder, record: FileRecord): Promise<void> {
  const text = Buffer.from(`${JSON.stringify(record)}\n`);
  assert(text.length <= recordBytesMax, 'what is written can be read again');
  await file.remove(nextRecordFile);
  {
    await using handle = await file.file(nextRecordFile, 'create');
    await handle.writeFile(text);
    await handle.sync();
  }
  await file.move(nextRecordFile, file, recordFile);
  await file.sync();
}

/** Undefined: there is no such file, or it is not as the vault made it. */
export async function readRecord(files: Folder, id: string): Promise<FileRecord | undefined> {
  try {
    await using file = await files.folder(id);
    await using handle = await file.file(recordFile, 'read');
    if ((await handle.stat()).size > recordBytesMax) return;
    const record: unknown = JSON.parse(await handle.readFile('utf8'));
    return recordForm.Check(record) && record.id === id ? record : undefined;
  } catch (cause) {
    if (isAbsent(cause) || cause instanceof SyntaxError) return;
    throw cause;
  }
}
