// Opens an audit log for writing.

import { OperatingError } from '../core/errors.ts';
import type { AuditLog, AuditLogOptions } from './audit-log.ts';

/** @throws OperatingError `audit-unavailable` when another process writes it, or its end is gone. */
export async function openAuditLog(options: AuditLogOptions): Promise<AuditLog> {
  throw new OperatingError('audit-unavailable', { detail: options.log });
}
