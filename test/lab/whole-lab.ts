// A lab as a process of its own, for tests that end it in every way: two servers behind a gateway,
// one of them paused, on private services. Prints the ids of all processes it started, then waits.

import { Cluster } from '../../src/lab/cluster.ts';
import { openLab } from '../../src/lab/lab.ts';

const { DATABASE_URL: _database, REDIS_URL: _redis, ...env } = process.env;
process.env = env;
const lab = await openLab({ folder: process.argv[2] ?? 'results' });
const ground = await lab.prepare('orphans', 'postgres');
if (ground === undefined) throw new Error('PostgreSQL is always here');
const cluster = await Cluster.open({
  ...ground,
  servers: 2,
  policy: 'round-robin',
  seed: 'orphans',
  entry: lab.serverEntry,
  gateway: lab.gateway,
});
cluster.servers()[1]?.pause();
console.log('everything runs');
setInterval(() => undefined, 60_000);
