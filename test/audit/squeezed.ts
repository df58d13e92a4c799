// Appends what it is told to, in a folder that can become full: squeezed.ts <folder> <spoolMax>.
// A number appends a login of that number, a text a logout, `copy` copies five lines; the answer says whether it was
// acknowledged, and whether the log can be written.

import { openAuditLog } from '../../src/audit/writer.ts';
import { accessLine, login } from './ground.ts';

const [folder = '', spoolMax = ''] = process.argv.slice(2);
process.on('disconnect', () => process.exit());
// A file that would grow over its limit is an error here, not the end.
process.on('SIGXFSZ', () => undefined);

const audit = await openAuditLog({ folder, log: 's1', spoolMax: Number(spoolMax) });
const copied = Array.from({ length: 5 }, (_, index) => ({
  ...{ kind: 'access' as const, access: accessLine(`copied-${index}`) },
  source: { file: 'f', end: index },
}));

function offer(message: unknown): Promise<void> {
  if (message === 'copy') return audit.copy(copied);
  if (typeof message === 'number') return audit.append(login(message));
  return audit.append(login(String(message), { kind: 'logout' }));
}

process.on('message', async (message) => {
  if (message === 'close') {
    await audit[Symbol.asyncDispose]();
    process.disconnect();
    return;
  }
  const outcome = await offer(message).then(
    () => 'durable',
    (error: unknown) => (error instanceof Error && 'code' in error ? error.code : String(error)),
  );
  process.send?.({ message, outcome, canRecord: audit.canRecord });
});
process.send?.('ready');
