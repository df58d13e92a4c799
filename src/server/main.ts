// The replica as a program: the lab starts it, and so do operators. All it does itself is to turn
// on the cache of compiled code before anything else is loaded, which halves the time to start; and
// to tell about its settings when it is asked for that.

import { enableCompileCache } from 'node:module';

enableCompileCache();
const asked = process.argv.slice(2);
if (asked.length > 0) {
  const { tell } = await import('./config/telling.ts');
  process.exitCode = tell(asked);
} else {
  const { runReplica } = await import('./serve.ts');
  await runReplica();
}
