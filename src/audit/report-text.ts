// The report of an audit, and what `verify` found, as a person reads them: first what needs
// attention, one line for each thing, all on one screen.

import { styleText } from 'node:util';
import type { Verification } from './chain-check.ts';
import type { AuditReport, Happening } from './report.ts';
import { table } from './show.ts';

const rowsMax = 6;
const sessionsMax = 12;
const labelWidth = 20;

export function reportText(report: AuditReport): string {
  const { records, earliest, latest, logins, registrations, served } = report;
  const { reuse, administration, gaps } = report;
  const span = records === 0 ? 'nothing' : `${minute(earliest)} to ${minute(latest)} (UTC)`;
  return [
    styleText('bold', `Audit report: ${span}, ${amount(records, 'record')}`),
    verificationText(report.verification),
    '',
    line('logins', `${logins}   registrations ${registrations}`),
    line('logins refused', counts(report.loginsRefused)),
    line('sessions ended', counts(report.sessionsEnded)),
    line('credentials refused', counts(report.credentialsRefused)),
    line('requests refused', counts(report.requestsRefused)),
    line('reuse of credentials', alarm(reuse.length), reuse.map(happeningText)),
    line('other alarms', alarmed(counts(report.otherAlarms))),
    line('administration', `${administration.length}`, administration.map(happeningText)),
    line('gaps', alarm(gaps.length), gaps.map(gapText)),
    line('clock set back', `${report.clockSetBack}`),
    line('processes', `${report.starts} started, ${report.stops} stopped`),
    line('requests', `${counts(report.requests)}${unreadable(report.unreadable)}`),
    '',
    styleText('bold', 'Who was served as whom, by which server'),
    servedText(served),
  ].join('\n');
}

export function verificationText(found: readonly Verification[]): string {
  return found.map(verificationLine).join('\n');
}

function verificationLine({ log, first, last, anchored, ...found }: Verification) {
  const { retiredAt, isUnfinished, fault } = found;
  const name = log.padEnd(12);
  if (fault !== null) {
    const { seq, segment, line: at, what } = fault;
    const place = segment === null ? 'not in the log' : `${segment} line ${at}`;
    return styleText('red', `✗ BROKEN  ${name} record ${seq} (${place}): ${what}`);
  }
  const all = last === 0 ? 'no records' : `records ${first} to ${last}`;
  const which = retiredAt === null ? all : `${all}, older ones retired ${minute(retiredAt)}`;
  const vouched = anchored === 0 ? 'no anchor' : `anchored to ${anchored}`;
  const end = isUnfinished ? ', an unfinished line at its end' : '';
  return `${styleText('green', '✓ INTACT')}  ${name} ${which}, ${vouched}${end}`;
}

function line(label: string, text: string, details: readonly string[] = []): string {
  const more = details.length - rowsMax;
  const shown = [...details.slice(0, rowsMax), ...(more > 0 ? [`and ${more} more`] : [])];
  const indent = ' '.repeat(labelWidth + 4);
  return [`  ${label.padEnd(labelWidth)}  ${text}`, ...shown.map((each) => indent + each)].join(
    '\n',
  );
}

function counts(values: Readonly<Record<string, number>>): string {
  const parts = Object.entries(values).map(([name, count]) => `${name} ${count}`);
  return parts.join('   ') || '0';
}

function alarmed(text: string): string {
  return text === '0' ? text : styleText('red', `! ${text}`);
}

const alarm = (count: number) => alarmed(`${count}`);

function happeningText({ time, kind, reason, userId, actorId, session, log }: Happening): string {
  const what = reason === undefined ? kind : `${kind} (${reason})`;
  const whom = userId === undefined ? '' : ` of user ${userId.slice(0, 8)}`;
  const which = session === undefined ? '' : `, session ${session.slice(0, 8)}`;
  const by = actorId === undefined ? '' : `, by ${actorId.slice(0, 8)}`;
  return `${minute(time)}  ${what}${whom}${which}${by}, in ${log}`;
}

function gapText({ time, log, lost }: AuditReport['gaps'][number]): string {
  return `${minute(time)}  ${amount(lost, 'entry', 'entries')} lost, in ${log}`;
}

function unreadable(count: number): string {
  return count === 0 ? '' : `   ${amount(count, 'line')} unreadable`;
}

/** One row for each session, so that one who was known to several servers is seen at once. */
function servedText(served: AuditReport['served']): string {
  const known = served.filter(({ userId }) => userId !== null);
  const sessions = Map.groupBy(known, ({ userId, session }) => `${userId} ${session}`);
  const rows = [...sessions.values()].slice(0, sessionsMax).map((each) => {
    const [first] = each;
    const servers = each.map(({ by, requests }) => `${by} (${requests})`).join(' ');
    return [`  ${first?.userId?.slice(0, 8)}`, first?.session?.slice(0, 8) ?? '-', servers];
  });
  const users = new Set(known.map(({ userId }) => userId)).size;
  const unknown = served.reduce((sum, each) => sum + (each.userId === null ? each.requests : 0), 0);
  const foot = `  ${amount(users, 'user')}, ${amount(sessions.size, 'session')}`;
  const more = sessions.size > rows.length ? '; all of them with --json' : '';
  const nobody = `; ${amount(unknown, 'request')} of nobody in particular`;
  return `${table([['  user', 'session', 'server (requests)'], ...rows])}\n${foot}${nobody}${more}`;
}

function amount(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}

function minute(time: string | null): string {
  return time?.slice(0, 16).replace('T', ' ') ?? '-';
}
