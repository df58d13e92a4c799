// Follows one person, one session or one request through all logs of a folder: what the gateway
// passed on and what the services noted, in one table, by time. Requests in which they were
// recognised are whole: every record of such a request is there, whoever wrote it.

import type { AuditRecord } from './audit-log.ts';
import { logsBelow, recordsOf } from './segments.ts';

/** An id, or the first eight characters or more of one. */
export type Whom =
  | { readonly user: string }
  | { readonly session: string }
  | { readonly request: string };

export async function recordsAbout(folder: string, whom: Whom): Promise<readonly AuditRecord[]> {
  const requests = new Set<string>();
  for await (const record of allRecords(folder)) {
    const request = requestOf(record);
    if (request !== undefined && isAbout(record, whom)) requests.add(request);
  }
  const found: AuditRecord[] = [];
  for await (const record of allRecords(folder)) {
    if (requests.has(requestOf(record) ?? '') || isAbout(record, whom)) found.push(record);
  }
  return found.toSorted(byTime);
}

async function* allRecords(folder: string): AsyncGenerator<AuditRecord> {
  for (const at of (await logsBelow(folder)).values()) yield* recordsOf(at);
}

/** When it happened: a request is noted when it is over, and began before. */
export function timeOf(record: AuditRecord): string {
  return (record.kind === 'access' && record.access?.time) || record.time;
}

function byTime(a: AuditRecord, b: AuditRecord): number {
  const between = Date.parse(timeOf(a)) - Date.parse(timeOf(b));
  return between || a.log.localeCompare(b.log) || a.seq - b.seq;
}

function requestOf(record: AuditRecord): string | undefined {
  if (record.kind === 'access') return record.access?.requestId;
  return 'requestId' in record ? record.requestId : undefined;
}

interface Ids {
  readonly user?: readonly (string | null | undefined)[];
  readonly session?: string | null | undefined;
}

function idsIn(record: AuditRecord): Ids {
  if (record.kind === 'access') {
    const { userId, session } = record.access?.served ?? {};
    return { user: [userId], session };
  }
  return 'severity' in record
    ? { user: [record.userId, record.actorId], session: record.session }
    : {};
}

function isAbout(record: AuditRecord, whom: Whom): boolean {
  const { user = [], session } = idsIn(record);
  if ('user' in whom) return user.some((id) => id?.startsWith(whom.user));
  if ('session' in whom) return session?.startsWith(whom.session) ?? false;
  return requestOf(record)?.startsWith(whom.request) ?? false;
}

const columns = ['when (UTC)', 'where', 'what', 'outcome', 'user', 'session', 'request'];

/** An aligned table; ids are cut to what `show` can be asked with. */
export function recordsTable(records: readonly AuditRecord[]): string {
  const rows = records.map((record) => {
    const { user = [], session } = idsIn(record);
    const [who, by] = user.map((id) => brief(id));
    const whom = by && by !== '-' ? `${who} by ${by}` : (who ?? '-');
    const when = timeOf(record).slice(0, 23).replace('T', ' ');
    return [when, ...deedOf(record), whom, brief(session), brief(requestOf(record))];
  });
  return table([columns, ...rows]);
}

const briefLength = 8;
const brief = (id: string | null | undefined) => id?.slice(0, briefLength) ?? '-';

/** Where, what and outcome. */
function deedOf(record: AuditRecord): readonly [string, string, string] {
  if (record.kind === 'access') {
    if (record.access === null) return [record.log, 'a line that cannot be read', '-'];
    const { method, path, served, upstream, status } = record.access;
    const where = `${record.log} > ${served?.by ?? upstream ?? 'nobody'}`;
    return [where, `${method} ${served?.route ?? path ?? '(no route)'}`, `${status ?? 'left'}`];
  }
  if (!('severity' in record)) return [record.log, record.kind, '-'];
  const { server, kind, reason, outcome } = record;
  const glyph = outcome === 'success' ? '✓' : '✗';
  return [server, kind, reason === undefined ? `${glyph} ${outcome}` : `${glyph} ${reason}`];
}

export function table(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]?.map((_, at) => Math.max(...rows.map((row) => row[at]?.length ?? 0)));
  const line = (row: readonly string[]) =>
    row.map((cell, at) => cell.padEnd(widths?.[at] ?? 0)).join('  ');
  return rows.map((row) => line(row).trimEnd()).join('\n');
}
