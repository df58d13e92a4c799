// The embedded gateway's process: puts its parts together and obeys its parent.

import { seededRandom } from '../../core/random.ts';
import { drainMs } from '../border.ts';
import { obeyParent } from '../orders.ts';
import { openAccessLog } from './access-log.ts';
import { openDoors } from './doors.ts';
import { Site } from './site.ts';

obeyParent(async (options) => {
  const site = new Site(options, seededRandom(options.seed));
  const log = openAccessLog(options.accessLogFile);
  const { answerTimeoutMs } = options;
  const doors = await openDoors(options.listen, { site, log, answerTimeoutMs });
  for (const pool of site.pools()) pool.startChecking();
  return {
    port: doors.port,
    tlsPort: doors.tlsPort,
    route: (group, upstreams) => site.route(group, upstreams),
    async reload() {
      await log.reopen();
      await doors.reload();
    },
    async close() {
      await doors.close(drainMs(options));
      await log.close();
    },
  };
});
