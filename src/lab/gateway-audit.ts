// Keeps the record of what the gateway of a run served: its access log, line by line, as a chained
// log beside those of the servers. Closed after the gateway, it has all that the gateway wrote.

import { followAccessLog } from '../audit/follow-access-log.ts';
import { openAuditLog } from '../audit/writer.ts';

/** @throws OperatingError `audit-unavailable` */
export async function recordGateway(
  accessLogFile: string,
  auditFolder: string,
): Promise<AsyncDisposable> {
  const log = await openAuditLog({ folder: auditFolder, log: 'gateway' });
  const following = followAccessLog(accessLogFile, log);
  return {
    async [Symbol.asyncDispose]() {
      await following[Symbol.asyncDispose]();
      await log[Symbol.asyncDispose]();
    },
  };
}
