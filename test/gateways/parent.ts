// A parent to be killed: starts the gateway that its argument names and tells where it is.

import * as gateways from '../../src/gateways/index.ts';

const gateway = new Map(Object.entries(gateways)).get(process.argv[2] ?? '');
const running = await gateway?.start({
  policy: 'round-robin',
  seed: 'parent',
  upstreams: [],
  port: 0,
  answerTimeoutMs: 1_000,
});
process.stdout.write(`${JSON.stringify({ url: running?.url, pid: running?.pid })}\n`);
setInterval(() => undefined, 1_000);
