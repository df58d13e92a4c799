// The files of a log, 000001.ndjson and so on, and their lines, read as a stream whatever the size.

import { open, readdir } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import type { AuditRecord } from './audit-log.ts';
import { parseRecord } from './chain.ts';

const segmentName = /^\d{6,}\.ndjson$/;
/** What a log may be called: it is the name of a folder. */
export const logName = /^[A-Za-z0-9_-][\w.-]{0,63}$/;

export interface Segment {
  readonly number: number;
  readonly name: string;
  readonly file: string;
}

export function segmentAt(folder: string, number: number): Segment {
  const name = `${String(number).padStart(6, '0')}.ndjson`;
  return { number, name, file: join(folder, name) };
}

/** Where what was cut off a segment is kept. */
export function tornFileOf(file: string): string {
  return `${file}.torn`;
}

/** Oldest first; none where there is no folder. */
export async function segmentsOf(folder: string): Promise<Segment[]> {
  const names = await readdir(folder).catch(emptyIfMissing);
  return names
    .filter((name) => segmentName.test(name))
    .map((name) => segmentAt(folder, Number.parseInt(name, 10)))
    .toSorted((a, b) => a.number - b.number);
}

/** The logs below a folder, or the folder itself when it is one: name -> folder. */
export async function logsBelow(folder: string): Promise<Map<string, string>> {
  const logs = new Map<string, string>();
  if ((await segmentsOf(folder)).length > 0) return logs.set(basename(resolve(folder)), folder);
  for (const { name } of await folders(folder)) {
    const below = join(folder, name);
    if ((await segmentsOf(below)).length > 0) logs.set(name, below);
  }
  return new Map([...logs].toSorted(([a], [b]) => a.localeCompare(b, 'en', { numeric: true })));
}

async function folders(folder: string) {
  const all = await readdir(folder, { withFileTypes: true }).catch(emptyIfMissing);
  return all.filter((entry) => entry.isDirectory() && logName.test(entry.name));
}

export interface Line {
  /** Without the line feed. */
  readonly bytes: Buffer;
  /** 1, 2, 3, ... */
  readonly number: number;
  /** Where it begins in the file. */
  readonly start: number;
  /** False for what follows the last line feed. */
  readonly isWhole: boolean;
}

const chunkBytes = 256 * 1024;

export async function* linesOf(file: string): AsyncGenerator<Line> {
  await using handle = await open(file, 'r');
  const chunk = Buffer.allocUnsafe(chunkBytes);
  let rest: Buffer = Buffer.alloc(0);
  let [number, start, position] = [0, 0, 0];
  for (;;) {
    const { bytesRead } = await handle.read(chunk, 0, chunkBytes, position);
    if (bytesRead === 0) break;
    position += bytesRead;
    const bytes = Buffer.concat([rest, chunk.subarray(0, bytesRead)]);
    let from = 0;
    for (let at = bytes.indexOf(10); at >= 0; at = bytes.indexOf(10, from)) {
      number += 1;
      yield { bytes: bytes.subarray(from, at), number, start, isWhole: true };
      start += at + 1 - from;
      from = at + 1;
    }
    rest = bytes.subarray(from);
  }
  if (rest.length > 0) yield { bytes: rest, number: number + 1, start, isWhole: false };
}

/** The records of a log in their order; lines that are none are left to `verify`. */
export async function* recordsOf(folder: string): AsyncGenerator<AuditRecord> {
  for (const { file } of await segmentsOf(folder)) {
    for await (const { bytes, isWhole } of linesOf(file)) {
      const record = isWhole ? parseRecord(bytes) : undefined;
      if (record !== undefined) yield record;
    }
  }
}

function emptyIfMissing(cause: unknown): [] {
  if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return [];
  throw cause;
}
