// Finds the end of a log when it is opened: where the chain goes on, and what a process that was
// killed left unfinished. Only that is cut off: what begins after the last record with a line that
// lacks its line feed, or with zero bytes, as a power cut leaves them. None of it was acknowledged,
// and it is kept in a file beside. What is wrong in any other way stays for `verify` to find.

import { type FileHandle, open, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { makeFolder, syncFolder } from '../core/durable-folder.ts';
import { OperatingError } from '../core/errors.ts';
import type { Source } from './audit-log.ts';
import { beginningOf, hashOfLine, parseRecord } from './chain.ts';
import type { OpenedLog } from './log-file.ts';
import { linesOf, type Segment, segmentAt, segmentsOf, tornFileOf } from './segments.ts';
import { lockLog } from './writer-lock.ts';

/** Where the chain goes on. */
export interface ChainEnd {
  /** Of the last record; 0 in a new log. */
  readonly seq: number;
  readonly hash: string;
  /** Milliseconds since the Unix epoch. */
  readonly time: number;
}

export interface Recovered extends OpenedLog {
  readonly end: ChainEnd;
  readonly tornBytes: number;
}

/** @throws OperatingError `audit-unavailable` */
export async function recover(folder: string, log: string): Promise<Recovered> {
  await makeFolder(folder);
  const lock = lockLog(folder);
  try {
    const segments = await segmentsOf(folder);
    const newest = segments.at(-1) ?? segmentAt(folder, 1);
    const handle = await open(newest.file, segments.length > 0 ? 'r+' : 'wx+', 0o600);
    try {
      const cut = await cutTorn(newest, handle);
      await syncFolder(folder);
      const end = await endOf(segments, log);
      return { folder, lock, handle, segment: newest.number, ...cut, end };
    } catch (cause) {
      await handle.close();
      throw cause;
    }
  } catch (cause) {
    lock[Symbol.dispose]();
    throw cause;
  }
}

async function cutTorn({ file }: Segment, handle: FileHandle) {
  const { size } = await handle.stat();
  let end = 0;
  let isTorn = false;
  for await (const { bytes, start, isWhole } of linesOf(file)) {
    const isLine = isWhole && !bytes.includes(0);
    isTorn = !isLine || (isTorn && parseRecord(bytes) === undefined);
    if (!isTorn) end = start + bytes.length + 1;
  }
  if (end < size) {
    // Where there is no room for it, the server starts nevertheless.
    await keepTorn(file, handle, end, size).catch(() => undefined);
    await handle.truncate(end);
  }
  await handle.sync();
  return { bytes: end, tornBytes: size - end };
}

async function keepTorn(file: string, handle: FileHandle, start: number, end: number) {
  const { buffer } = await handle.read(Buffer.alloc(end - start), 0, end - start, start);
  await writeFile(tornFileOf(file), buffer, { flag: 'a', mode: 0o600, flush: true });
  await syncFolder(dirname(file));
}

async function endOf(segments: readonly Segment[], log: string): Promise<ChainEnd> {
  for (const { file } of segments.toReversed()) {
    let last: Buffer | undefined;
    for await (const { bytes } of linesOf(file)) last = bytes;
    if (last !== undefined) return chainEnd(last, file);
  }
  return { seq: 0, hash: beginningOf(log), time: 0 };
}

function chainEnd(line: Buffer, file: string): ChainEnd {
  const record = parseRecord(line);
  if (record !== undefined) {
    return { seq: record.seq, hash: hashOfLine(line), time: Date.parse(record.time) };
  }
  const detail =
    `The last line of ${file} is no record, so nothing can follow it. Keep the folder as it is, ` +
    'look into it with `sessionlab audit verify`, and let the log begin anew in another folder.';
  throw new OperatingError('audit-unavailable', { detail });
}

/** Where the newest copied line came from, which may be some segments back. */
export async function lastSource(folder: string): Promise<Source | undefined> {
  for (const { file } of (await segmentsOf(folder)).toReversed()) {
    let source: Source | undefined;
    for await (const { bytes } of linesOf(file)) {
      const record = bytes.includes('"kind":"access"') ? parseRecord(bytes) : undefined;
      if (record?.kind === 'access') source = record.source;
    }
    if (source !== undefined) return source;
  }
  return undefined;
}
