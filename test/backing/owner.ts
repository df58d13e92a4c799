// A process that owns a backing until it is killed, for backing.test.ts.
// Usage: node owner.ts [folder]; the line it prints holds the URLs.
import { openBacking } from '../../src/backing/backing.ts';

const folder = process.argv[2];
const { databaseUrl, redisUrl } = await openBacking(folder === undefined ? {} : { folder });
console.log(JSON.stringify({ databaseUrl, redisUrl }));
setInterval(() => undefined, 60_000);
