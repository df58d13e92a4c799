// Follows a gateway's access log into an audit log until it is killed or told to stop:
// copier.ts <file> <folder> <log>. The file is rotated often; that the gateway should open it anew
// is said to the parent, which plays the gateway.

import { followAccessLog } from '../../src/audit/follow-access-log.ts';
import { openAuditLog } from '../../src/audit/writer.ts';

const [file = '', folder = '', log = ''] = process.argv.slice(2);
process.on('disconnect', () => process.exit());
const stopped = Promise.withResolvers<void>();
let reopened = Promise.withResolvers<void>();
process.on('message', (message) => (message === 'stop' ? stopped : reopened).resolve());

await using audit = await openAuditLog({ folder, log, segmentBytesMax: 40_000 });
const following = followAccessLog(file, audit, {
  ...{ sourceBytesMax: 30_000, settleMs: 30, pollMs: 5 },
  async reopen() {
    reopened = Promise.withResolvers();
    process.send?.('reopen');
    await reopened.promise;
  },
});
process.send?.('ready');
await stopped.promise;
await following.caughtUp();
await following[Symbol.asyncDispose]();
process.disconnect();
