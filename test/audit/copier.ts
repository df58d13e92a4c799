// Follows a gateway's access log into an audit log until it is killed or told to stop:
// copier.ts <file> <folder> <log>. The file is rotated often; that the gateway should open it anew
// is said to the parent, which plays the gateway.

import { once } from 'node:events';
import { followAccessLog } from '../../src/audit/follow-access-log.ts';
import { openAuditLog } from '../../src/audit/writer.ts';

const [file = '', folder = '', log = ''] = process.argv.slice(2);
process.on('disconnect', () => process.exit());

await using audit = await openAuditLog({ folder, log, segmentBytesMax: 40_000 });
const following = followAccessLog(file, audit, {
  ...{ sourceBytesMax: 30_000, settleMs: 30, pollMs: 5 },
  async reopen() {
    const answer = once(process, 'message');
    process.send?.('reopen');
    await answer;
  },
});
process.send?.('ready');
for (;;) {
  const [message] = await once(process, 'message');
  if (message === 'stop') break;
}
await following.caughtUp();
await following[Symbol.asyncDispose]();
process.disconnect();
