// The server's own audit log: opened before it serves and closed after its last answer, with a
// record of both. Where no log is set there is none, and security events are lines of the process's
// log instead.

import type { AuditLog } from '../audit/audit-log.ts';
import type { Setting } from './config/kinds.ts';
import { type Config, type ReadSettings, servedBy, settings } from './config.ts';
import { openLog } from './log.ts';

/** @throws OperatingError `audit-unavailable` when the log cannot be opened; `unfit-key` */
export async function openAudit(config: Config): Promise<AuditLog | undefined> {
  const { auditFolder: folder, auditKey: key, auditAnchor: anchor, auditRetainMs } = config;
  if (folder === undefined) return undefined;
  const { openAuditLog } = await import('../audit/writer.ts');
  const log = openLog(config);
  return openAuditLog({
    folder,
    log: config.replica,
    ...(key !== undefined && { key }),
    ...(anchor !== undefined && { anchor }),
    ...(auditRetainMs > 0 && { retainMs: auditRetainMs }),
    onTrouble: (what, cause) => log.error({ err: cause }, what),
  });
}

/** A server that cannot put it on record serves all the same: somebody may want to log out. */
export async function noteService(
  audit: AuditLog | undefined,
  config: Config,
  kind: 'started' | 'stopped',
  given?: ReadSettings['origins'],
): Promise<void> {
  const told = given && { settings: settingsGiven(config, given) };
  await audit?.append({ kind, server: servedBy(config), ...told }).catch(() => undefined);
}

/** What was set by somebody, and to what; of secrets, and of people's names, only that it was. */
function settingsGiven(config: Config, origins: ReadSettings['origins']) {
  const all = Object.entries<Setting<unknown>>(settings);
  const given = all.filter(([key]) => origins[key as keyof Config] !== 'default');
  const shown = ([key, { name, secret }]: (typeof given)[number]) => {
    const isShown = !secret && name !== settings.adminUsers.name;
    return [name, isShown ? String(config[key as keyof Config]) : '(set, not shown)'];
  };
  return Object.fromEntries(given.map(shown)) as Readonly<Record<string, string>>;
}
