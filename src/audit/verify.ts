// Verifies logs: reads each line once, whatever the size, and has the chain and the anchored heads
// checked. What the chain alone cannot show is said in chain-check.ts.

import type { KeyObject } from 'node:crypto';
import { basename, join, resolve } from 'node:path';
import { OperatingError } from '../core/errors.ts';
import { openAnchor } from './anchor.ts';
import { hashOfLine, parseRecord } from './chain.ts';
import { ChainCheck, type Fault, type Link, type Verification } from './chain-check.ts';
import { isSignedBy, type SignedHead } from './head.ts';
import { linesOf, logsBelow, segmentsOf } from './segments.ts';

export interface Vouching {
  /** A folder, or the URL of a PostgreSQL. */
  readonly anchor?: string;
  /** Heads must be signed by one of these; absent: signatures are not looked at. */
  readonly keys?: readonly KeyObject[];
}

/**
 * Every log below a folder, or the folder itself when it is one.
 * @throws OperatingError `audit-unavailable` when there is none, or the anchor cannot be read
 */
export async function verifyLogs(
  folder: string,
  { anchor: where, keys }: Vouching = {},
): Promise<readonly Verification[]> {
  const logs = await logsBelow(folder);
  // Heads before lines: what is written meanwhile is not missing.
  const alone = basename(resolve(folder));
  const heads = await readHeads(where, logs.get(alone) === folder ? [alone] : undefined);
  const names = new Set([...logs.keys(), ...heads.keys()]);
  if (names.size === 0) {
    throw new OperatingError('audit-unavailable', { detail: `There is no audit log in ${folder}` });
  }
  const found: Verification[] = [];
  for (const name of names) {
    const at = logs.get(name) ?? join(folder, name);
    found.push(await verifyLog(name, at, heads.get(name) ?? [], keys));
  }
  return found;
}

/** Also of logs that are not there any more, unless one is meant. */
async function readHeads(where: string | undefined, meant: readonly string[] | undefined) {
  const heads = new Map<string, readonly SignedHead[]>();
  if (where === undefined) return heads;
  await using anchor = openAnchor(where);
  try {
    for (const name of meant ?? (await anchor.logs())) heads.set(name, await anchor.heads(name));
    return heads;
  } catch (cause) {
    throw new OperatingError('audit-unavailable', { detail: 'The anchor cannot be read', cause });
  }
}

export async function verifyLog(
  log: string,
  folder: string,
  heads: readonly SignedHead[] = [],
  keys?: readonly KeyObject[],
): Promise<Verification> {
  const forged = keys && heads.find((head) => !isSignedBy(head, keys));
  const check = new ChainCheck(log, heads);
  if (forged !== undefined) return check.result(forgery(forged));
  for await (const [link, next] of withNext(linksOf(folder))) {
    const fault = check.see(link, next);
    if (fault !== undefined) return check.result(fault);
  }
  return check.result(check.end());
}

function forgery({ size }: SignedHead): Fault {
  const what = `the anchored head of record ${size} is not signed by the key given`;
  return { seq: size, segment: null, line: null, what };
}

async function* linksOf(folder: string): AsyncGenerator<Link> {
  for (const { file, name } of await segmentsOf(folder)) {
    for await (const { bytes, number, isWhole } of linesOf(file)) {
      const record = isWhole ? parseRecord(bytes) : undefined;
      yield { record, hash: hashOfLine(bytes), segment: name, line: number, isWhole };
    }
  }
}

async function* withNext<T>(items: AsyncIterable<T>): AsyncGenerator<[T, T | undefined]> {
  let held: { readonly item: T } | undefined;
  for await (const item of items) {
    if (held !== undefined) yield [held.item, item];
    held = { item };
  }
  if (held !== undefined) yield [held.item, undefined];
}
