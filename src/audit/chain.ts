// What makes a log of lines a chain: each line holds the hash of the one before, so whoever changes
// one must change all that follow. The three things that are ever hashed or signed begin with
// different bytes, in the manner of RFC 6962: 0x00 a line, 0x01 a head, 0x02 a log's name.

import { createHash } from 'node:crypto';
import type { AuditRecord } from './audit-log.ts';

/** @param line without the line feed at its end */
export function hashOfLine(line: string | Uint8Array): string {
  return createHash('sha256').update(Buffer.of(0)).update(line).digest('hex');
}

/** What the first line of a log follows. */
export function beginningOf(log: string): string {
  return createHash('sha256').update(Buffer.of(2)).update(log).digest('hex');
}

const hexHash = /^[0-9a-f]{64}$/;

/** The record on a line; undefined when there is none. */
export function parseRecord(line: Buffer): AuditRecord | undefined {
  try {
    const record: Partial<AuditRecord> | null = JSON.parse(line.toString());
    const isRecord =
      record?.v === 1 &&
      typeof record.log === 'string' &&
      Number.isSafeInteger(record.seq) &&
      !Number.isNaN(Date.parse(String(record.time))) &&
      typeof record.kind === 'string' &&
      hexHash.test(String(record.prev));
    return isRecord ? (record as AuditRecord) : undefined;
  } catch {
    return undefined;
  }
}
