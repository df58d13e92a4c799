// Which fields of what is written down, kind by kind. An entry may carry more than is said here; it
// stays out. So may a line of a gateway's log, which another program wrote.

import type { AccessLine, Served } from '../gateways/access-line.ts';
import type { AuditEntry, LogNote } from './audit-log.ts';
import { owaspWord } from './vocabulary.ts';

const aboutEvents = [
  ...(['kind', 'reason', 'severity', 'outcome', 'server', 'address', 'requestId'] as const),
  ...(['session', 'userId', 'actorId', 'count', 'file', 'bytes'] as const),
];
const aboutOthers: Readonly<Partial<Record<string, readonly string[]>>> = {
  started: ['kind', 'server', 'settings'],
  stopped: ['kind', 'server', 'settings'],
  access: ['kind', 'access', 'source'],
  'torn-tail': ['kind', 'bytes'],
  gap: ['kind', 'lost', 'kinds'],
  'clock-set-back': ['kind', 'byMs'],
  retired: ['kind', 'through'],
};

export interface Place {
  readonly log: string;
  readonly seq: number;
  /** Milliseconds since the Unix epoch. */
  readonly time: number;
  readonly prev: string;
}

/** The line, without the line feed at its end. */
export function lineOf(entry: AuditEntry | LogNote, { log, seq, time, prev }: Place): string {
  const values = entry as unknown as Readonly<Record<string, unknown>>;
  const said = (aboutOthers[entry.kind] ?? aboutEvents).map((name) => [name, values[name]]);
  const owasp = owaspWord(entry.kind, 'reason' in entry ? entry.reason : undefined) ?? undefined;
  const at = new Date(time).toISOString();
  return JSON.stringify({ v: 1, log, seq, time: at, ...Object.fromEntries(said), owasp, prev });
}

type Check = (value: unknown) => boolean;
const isText: Check = (value) => typeof value === 'string' && value.length <= 256;
const isNumber: Check = (value) => typeof value === 'number';
const isTruth: Check = (value) => typeof value === 'boolean';
const orNull =
  (check: Check): Check =>
  (value) =>
    value === null || check(value);

const served: Readonly<Record<keyof Served, Check>> = {
  by: isText,
  route: isText,
  userId: orNull(isText),
  session: orNull(isText),
};
const access: Readonly<Record<keyof AccessLine, Check>> = {
  time: (value) => isText(value) && !Number.isNaN(Date.parse(String(value))),
  requestId: isText,
  client: isText,
  method: isText,
  path: orNull(isText),
  served: orNull((value) => only(value, served) !== null),
  status: orNull(isNumber),
  complete: orNull(isTruth),
  upstream: orNull(isText),
  tries: isNumber,
  headMs: orNull(isNumber),
  durationMs: isNumber,
  bytes: isNumber,
  tls: orNull(isText),
};

/** The line of a gateway's log; null when it is none. */
export function readAccessLine(line: string): AccessLine | null {
  try {
    const found = only(JSON.parse(line), access);
    return found && ({ ...found, served: only(found.served, served) } as unknown as AccessLine);
  } catch {
    return null;
  }
}

/** These fields and no others; null when one is missing or of another kind. */
function only(
  value: unknown,
  checks: Readonly<Record<string, Check>>,
): Record<string, unknown> | null {
  if (typeof value !== 'object' || value === null) return null;
  const values = value as Readonly<Record<string, unknown>>;
  const fields = Object.entries(checks).map(([name, check]) => {
    return { name, value: values[name], fits: check(values[name]) };
  });
  if (!fields.every(({ fits }) => fits)) return null;
  return Object.fromEntries(fields.map((field) => [field.name, field.value]));
}
