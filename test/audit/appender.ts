// Appends numbered entries as fast as it can, many at once, and says of each when it was
// acknowledged: appender.ts <folder> <log> <first number>. Told to stop, it closes the log.

import { openAuditLog } from '../../src/audit/writer.ts';
import { login } from './ground.ts';

const [folder = '', log = '', first = '0'] = process.argv.slice(2);
let isStopping = false;
process.on('message', () => {
  isStopping = true;
});
process.on('disconnect', () => process.exit());

const atOnce = 8;
let number = Number(first);

async function append(audit: Awaited<ReturnType<typeof openAuditLog>>): Promise<void> {
  while (!isStopping) {
    number += 1;
    const mine = number;
    await audit.append(login(mine));
    process.send?.(mine);
  }
}

try {
  const audit = await openAuditLog({ folder, log, segmentBytesMax: 40_000 });
  process.send?.('ready');
  await Promise.all(Array.from({ length: atOnce }, () => append(audit)));
  await audit[Symbol.asyncDispose]();
  process.disconnect();
} catch (error) {
  process.send?.(error instanceof Error && 'code' in error ? error.code : String(error));
}
