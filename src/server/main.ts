// The replica as a program: the lab starts it, and so do operators. All it does itself is to turn
// on the cache of compiled code before anything else is loaded, which halves the time to start; and
// to make the tables, or tell about its settings, when it is asked for that.

import { enableCompileCache } from 'node:module';

enableCompileCache();
const asked = process.argv.slice(2);
if (asked.length === 1 && asked[0] === '--make-tables') {
  const { makeTables } = await import('./tables.ts');
  await makeTables();
} else if (asked.length > 0) {
  const { tell } = await import('./config/telling.ts');
  process.exitCode = tell(asked);
} else {
  const { runReplica } = await import('./serve.ts');
  await runReplica();
}
